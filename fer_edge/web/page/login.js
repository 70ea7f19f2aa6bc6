// The login form: sends the token, and says what is wrong without leaving the page.
const form = document.getElementById("login");
const token = document.getElementById("token");
const problem = document.getElementById("problem");
const enter = document.getElementById("enter");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  enter.disabled = true;
  try {
    const answer = await fetch("login", {
      method: "POST",
      body: new URLSearchParams({ token: token.value }),
      headers: { Accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(20000),
    });
    if (answer.type === "opaqueredirect" || answer.ok) {
      location.replace("./");
      return;
    }
    const told = await answer.json().catch(() => ({}));
    problem.textContent = [told.error || `The program answered ${answer.status}.`, told.remedy].filter(Boolean).join(" ");
  } catch {
    problem.textContent = "The program does not answer. Is it running?";
  }
  enter.disabled = false;
  token.focus();
  token.select();
});
