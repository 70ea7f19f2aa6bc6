"""What is answered to whom: the routes of the web server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fer_edge.errors import FerEdgeError, UsageError
from fer_edge.service.health import DOWN
from fer_edge.sinks.history.export import MINUTES, STATES
from fer_edge.sinks.lines import iso
from fer_edge.web.access import Access
from fer_edge.web.aside import Aside, Few
from fer_edge.web.connections import peer_of
from fer_edge.web.guard import Guard, body_of
from fer_edge.web.hub import persons_of
from fer_edge.web.openapi import DESCRIPTION
from fer_edge.web.origin import Origins
from fer_edge.web.page_files import PageFiles
from fer_edge.web.pictures import BOUNDARY
from fer_edge.web.queries import known_only, minutes, moment, one_of
from fer_edge.web.refusal import Refusal, json_answer
from fer_edge.web.room import Room
from fer_edge.web.run import WebRun
from fer_edge.web.streams import News, Stream, camera_event, pictures_of

MOST_READERS = 60
"""Of events, at a time."""

MOST_ROWS = 10_000
"""Of the history, in one answer."""

MOST_SEARCHES = 2
"""Of the history, at a time."""

FIRST_PICTURE = 5.0
"""Seconds to wait for a snapshot: a camera of one picture a second has some time."""

_LARGEST_FORM, _LONGEST_FORM = 4096, 4.0
_GOOD_FOR = 0.5


class Site:
    """Answers about one run; its methods are called in the server's thread.

    Parameters
    ----------
    run : WebRun
        What it is asked about.
    access : Access
        For the form to log in.
    """

    def __init__(self, run: WebRun, access: Access) -> None:
        self._run = run
        self._access = access
        self._files = PageFiles()
        self._status = Aside(self._look, _GOOD_FOR)
        self._search = Few(MOST_SEARCHES)
        self._states: Dict[str, str] = {}
        # One that hangs holds up who asks, and nothing more is begun for them.
        self._health = Aside(run.health)
        self._metrics = None if run.metrics is None else Aside(run.metrics)
        self._viewing = Room(run.viewers, "look", "Close a page, or start it with a higher --web-viewers.")
        self._reading = Room(MOST_READERS, "read events", "Close a page.")

    def routes(self) -> Iterator[Route]:
        """Give every route."""
        for path, endpoint in (
            ("/", self.page),
            ("/login", self.page),
            ("/static/{name:path}", self.static),
            ("/healthz", self.health),
            ("/metrics", self.metrics),
            ("/api/openapi.json", self.description),
            ("/api/cameras", self.cameras),
            ("/api/cameras/{camera}/state", self.state),
            ("/api/cameras/{camera}/snapshot.jpg", self.snapshot),
            ("/api/cameras/{camera}/live.mjpg", self.live),
            ("/api/events", self.events),
            ("/api/history", self.history),
        ):
            yield Route(path, endpoint, methods=["GET"])
        yield Route("/login", self.log_in, methods=["POST"])
        yield Route("/logout", self.log_out, methods=["POST"])

    async def page(self, request: Request) -> Response:
        """Answer with the page, or the form to log in."""
        return self._file(request, "login.html" if request.url.path == "/login" else "index.html")

    async def static(self, request: Request) -> Response:
        """Answer with a file of the page."""
        return self._file(request, request.path_params["name"])

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        """Say how the run is: to programs by the status, to people by the words."""
        health = await self._health()
        return json_answer(health.to_json(), 503 if health.status == DOWN else 200)

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002
        """Answer Prometheus."""
        if self._metrics is None:
            raise _not_found()
        content_type, text = await self._metrics()
        return Response(text, headers={"content-type": content_type})

    async def description(self, request: Request) -> Response:  # noqa: ARG002
        """Describe all of this."""
        return json_answer(DESCRIPTION)

    async def cameras(self, request: Request) -> Response:
        """Tell of the run and its cameras."""
        known_only(request)
        return json_answer(await self._status())

    async def state(self, request: Request) -> Response:
        """Tell who is in view of a camera, and what was in the last minutes."""
        camera = await self._camera(request)
        asked = minutes(known_only(request, "minutes"))
        now = datetime.now(timezone.utc)
        hub = self._run.hub
        timeline = hub.timeline(camera, now, asked)
        persons = persons_of(hub.newest(camera))
        return json_answer({"camera": camera, "time": iso(now), "persons": persons, "timeline": timeline})

    async def snapshot(self, request: Request) -> Response:
        """Answer with the newest picture of a camera."""
        self._refuse_pictures()
        camera = await self._camera(request)
        pictures = self._run.hub.pictures
        with self._viewing, pictures.watched(camera):
            picture = await pictures.newer(camera, pictures.encoded, FIRST_PICTURE, fresh=True)
        if picture is None:
            raise Refusal(503, "The camera gave no picture yet.", "Ask again; /api/cameras says how it is.")
        return Response(picture.jpeg, media_type="image/jpeg")

    async def live(self, request: Request) -> ASGIApp:
        """Answer with the pictures of a camera as they come."""
        self._refuse_pictures()
        camera = await self._camera(request)
        pieces = pictures_of(self._run.hub, camera)
        return self._counted(Stream(f"multipart/x-mixed-replace; boundary={BOUNDARY}", pieces), self._viewing)

    async def events(self, request: Request) -> ASGIApp:
        """Answer with what happens, as it does."""
        camera = known_only(request, "camera").get("camera")
        if camera is not None:
            await self._known(camera)
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else None
        news = News(self._run.hub, self._status, camera, after)
        return self._counted(Stream("text/event-stream; charset=utf-8", news.pieces()), self._reading)

    async def history(self, request: Request) -> Response:
        """Answer with what the history has."""
        given = known_only(request, "camera", "from", "to", "what")
        what = one_of(given, "what", (STATES, MINUTES))
        end = moment(given, "to") or datetime.now(timezone.utc)
        begin = moment(given, "from") or end - timedelta(days=1)
        if begin >= end:
            raise Refusal(400, "from is not before to.", "Give the earlier moment as from.")
        history = self._run.history
        if history is None:
            raise Refusal(404, "This run keeps no history.", "Start it with  --history FILE.db.")
        camera = given.get("camera")
        try:
            rows = await self._search(lambda: history(camera, begin, end, what, MOST_ROWS + 1))
        except UsageError as error:
            if camera not in (known["name"] for known in (await self._status())["cameras"]):
                raise Refusal(404, error.message, error.remedy) from error
            rows = []  # of a camera of this run that has shown nobody yet
        except FerEdgeError as error:
            raise Refusal(503, error.message, error.remedy) from error
        return json_answer(
            {
                "what": what,
                "from": iso(begin),
                "to": iso(end),
                "rows": list(rows[:MOST_ROWS]),
                "truncated": len(rows) > MOST_ROWS,
            }
        )

    async def log_in(self, request: Request) -> Response:
        """Give a cookie to who sends the token."""
        content = await body_of(request.receive, _LARGEST_FORM, _LONGEST_FORM)
        if content is None:
            raise Refusal(400, "The form is too long, or did not come.", "Send the token alone, as the field token.")
        words = parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True).get("token", [])
        if not self._access.needed:
            return RedirectResponse("/", 303)
        if len(words) != 1 or not words[0]:
            raise Refusal(400, "The form has no token.", "Send it as the field token.")
        client = request.client
        cookie = self._access.log_in(words[0].strip(), peer_of(client.host)[0] if client else "")
        return RedirectResponse("/", 303, {"set-cookie": cookie})

    async def log_out(self, request: Request) -> Response:
        """End what `log_in` began."""
        cookie = self._access.log_out(request.headers.get("cookie", ""))
        return RedirectResponse("/login", 303, {"set-cookie": cookie})

    def _look(self) -> Dict[str, Any]:
        """Return what ``/api/cameras`` tells, and make events of cameras that changed since."""
        status = {**self._run.cameras(), "login": self._access.needed}
        for camera in status["cameras"]:
            name, state = camera["name"], camera["state"]
            if self._states.setdefault(name, state) != state:
                self._states[name] = state
                self._run.hub.note(name, "camera", camera_event(name, state, camera["trouble"]))
        return status

    async def _camera(self, request: Request) -> str:
        return await self._known(request.path_params["camera"])

    async def _known(self, name: str) -> str:
        if name not in (camera["name"] for camera in (await self._status())["cameras"]):
            raise Refusal(404, "There is no camera of that name.", "/api/cameras lists them.")
        return name

    def _file(self, request: Request, name: str) -> Response:
        answer = self._files.answer(request, name)
        if answer is None:
            raise _not_found()
        return answer

    def _refuse_pictures(self) -> None:
        if not self._run.pictures:
            raise Refusal(403, "This run shows no pictures.", "Start it with  --web pictures.")

    @staticmethod
    def _counted(stream: Stream, room: Room) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            with room:
                await stream(scope, receive, send)

        return answer


def application(run: WebRun, access: Access, origins: Origins) -> ASGIApp:
    """Return what answers every request about a run."""

    async def refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
        if isinstance(error, Refusal):
            return error.answer()
        if not isinstance(error, HTTPException):
            return Refusal(500, "The answer could not be given.", "The log of the program says why.").answer()
        missing = error.status_code == 404
        return (_not_found() if missing else Refusal(error.status_code, "That cannot be done here.", _WHERE)).answer()

    site = Site(run, access)
    handlers = {HTTPException: refused, Refusal: refused, Exception: refused}
    routes = Starlette(routes=list(site.routes()), exception_handlers=handlers)
    routes.router.redirect_slashes = False
    return Guard(routes, access, origins)


_WHERE = "/api/openapi.json describes what there is."


def _not_found() -> Refusal:
    return Refusal(404, "There is nothing under this address.", _WHERE)
