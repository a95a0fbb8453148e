// Comfort only: every page works without this.
"use strict";

// Parts marked data-live="seconds" are fetched again and put in place, but never under a finger or a caret.
const live = document.querySelectorAll("[data-live]");
const shortest = Math.min(...Array.from(live, (part) => Number(part.dataset.live) || Infinity));
const patience = 60 * 60 * 1000; // a page that nobody touches does not keep its session open for ever
let failures = 0;
let touched = Date.now();
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
}

async function renew() {
  if (!document.hidden && Date.now() - touched < patience) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of live) {
        const fresh = page.getElementById(part.id);
        if (!fresh || part.contains(document.activeElement) || part.innerHTML === fresh.innerHTML) continue;
        part.innerHTML = fresh.innerHTML;
      }
      failures = 0;
    } catch {
      failures = Math.min(failures + 1, 5);
    }
  }
  setTimeout(renew, shortest * 1000 * (1 + failures));
}
if (live.length && Number.isFinite(shortest)) {
  setTimeout(renew, shortest * 1000);
}

// A form is sent once per press; the server asks once all the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  // Only when the form is on its way: what a disabled button stands for would not be sent.
  setTimeout(() => {
    if (form.dataset.sent) for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});

// Typing an amount chooses "a part".
document.querySelector("#refund-form [name=amount]")?.addEventListener("input", () => {
  document.querySelector("#refund-form [value=part]").checked = true;
});

// What a template makes of receipts follows what is typed; without this a button shows it. While it is wrong, or no answer comes,
// what was shown before stays, pale.
const editor = document.querySelector("form[data-preview]");
let turn = 0;
async function preview(mine) {
  const [fault, shown] = ["fault", "shown"].map((id) => document.getElementById(id));
  try {
    const body = new URLSearchParams(new FormData(editor));
    body.set("what", "preview");
    const answer = await fetch(editor.action, { method: "POST", body, credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== turn) return;
    const [wrong, fresh] = ["fault", "shown"].map((id) => page.getElementById(id));
    if (fault.innerHTML !== wrong.innerHTML) fault.innerHTML = wrong.innerHTML;
    editor.elements.text.setAttribute("aria-invalid", String(wrong.childElementCount > 0));
    const right = fresh.querySelector(".paper") !== null;
    if (right) shown.innerHTML = fresh.innerHTML;
    shown.classList.toggle("stale", !right);
  } catch {
    if (mine === turn) shown.classList.add("stale");
  }
}
// What a browser fills in again by itself is shown too.
if (editor) addEventListener("pageshow", () => {
  if (editor.elements.text.value !== editor.elements.text.defaultValue) preview(++turn);
});
editor?.addEventListener("input", () => {
  const mine = ++turn;
  setTimeout(() => { if (mine === turn) preview(mine); }, 300);
});
