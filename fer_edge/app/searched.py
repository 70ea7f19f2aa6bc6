"""What a camera's settings restrict the search for faces to, and whether that fits its images."""

from __future__ import annotations

from typing import ContextManager, Optional, Tuple

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.wrapped import WrappedSource
from fer_edge.detect.search import Search
from fer_edge.errors import FileUnreadable, UsageError
from fer_edge.settings import CameraSettings, Settings
from fer_edge.system.masking import shown
from fer_edge.types import Image


def search_of(camera: CameraSettings) -> Search:
    """Return what a camera's settings restrict the search to."""
    return Search(camera.min_face or 0, camera.region or ())


def searched(source: Source, settings: Settings, camera: CameraSettings) -> Source:
    """Return a source that refuses images which the search of `camera` does not fit; the same where nothing is asked for.

    Parameters
    ----------
    source : Source
        Not open; what it gives is what is analysed.
    settings : Settings
        Tell where the camera's settings stand.
    """
    search = search_of(camera)
    return SearchedSource(source, search, settings, camera.name) if search else source


class SearchedSource(WrappedSource):
    """Another source, whose images must be such that faces can be found where they are looked for.

    That is seen at the opening where the size is known then, and else with the first image: a region that lies beyond the image
    never has a face, and who waits for one is to know. Of several pictures the first decides on the least size; another that
    is too small for it just has no face.

    Parameters
    ----------
    source : Source
        Not open; opened and closed with this one.
    search : Search
        What is looked for.
    settings : Settings
        Tell where it stands.
    camera : str
        Its name.
    """

    def __init__(self, source: Source, search: Search, settings: Settings, camera: str) -> None:
        super().__init__(source)
        self._search = search
        self._settings = settings
        self._camera = camera
        self._fits: Optional[Tuple[int, int]] = None
        self._given = False

    def open(self) -> SourceInfo:
        """Open the source.

        Raises
        ------
        UsageError
            A region, or the smallest face, does not lie in its images.
        """
        info = super().open()
        self._fits, self._given = None, False
        if info.width > 0 and info.height > 0:
            try:
                self._check(info.width, info.height)
            except BaseException:
                self._source.close()
                raise
        return info

    def retrieve(self) -> Image:
        """Return the grabbed image.

        Raises
        ------
        UsageError
            A region, or the smallest face, does not lie in it.
        FileUnreadable
            A region does not lie in this picture; it did in one before.
        """
        image = self._source.retrieve()
        height, width = image.shape[:2]
        if image.size and self._fits != (width, height):
            try:
                self._check(width, height)
            except UsageError as error:
                if not (self._given and self.file):
                    raise
                raise FileUnreadable(f"{shown(self.file)}: {error.message}", error.remedy) from None
            self._fits = width, height
        self._given = self._given or bool(image.size)
        return image

    def _check(self, width: int, height: int) -> None:
        with self._located("region"):
            self._search.check_regions(width, height)
        if not self._given:
            with self._located("min_face"):
                self._search.check_min_face(height)

    def _located(self, key: str) -> ContextManager[None]:
        return self._settings.located(f"camera.{self._camera}.{key}")
