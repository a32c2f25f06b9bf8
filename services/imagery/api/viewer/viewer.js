// The page of the imagery broker. It keeps nothing: the picture is pixels of a canvas, which has no address and is
// emptied whenever the page is left, hidden or the grant is over.
"use strict";

const of = (id) => document.getElementById(id);
const forms = { signIn: of("sign-in"), confirm: of("confirm"), ask: of("ask") };
const organisation = of("organisation");
const console_ = document.body.dataset.console; // by which people come who have no password here; empty: nobody does
const NAMED = ["tenant", "case_id", "transaction_id"];
const picture = of("picture");
let lease = null; // what was granted: id, views left, until when by this page's own clock; whether it was seen blurred
let looking = null; // the request in hand
let ticking = 0;

const post = (path, body, signal) =>
  fetch(`/api${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    referrerPolicy: "no-referrer",
    signal,
  });

function tell(text, refused = false) {
  const told = of("told");
  told.textContent = text;
  told.classList.toggle("refused", refused);
}

function show(...names) {
  for (const [name, form] of Object.entries(forms)) form.hidden = !names.includes(name);
  of("sign-out").hidden = names.includes("signIn");
  organisation.hidden = !console_ || !(names.includes("signIn") || names.includes("confirm"));
  const first = Object.entries(forms).find(([name]) => names.includes(name));
  const empty = first && [...first[1].elements].find((each) => each.name && !each.value);
  if (empty) empty.focus();
}

function blank() {
  if (looking) looking.abort();
  looking = null;
  picture.width = picture.height = 0; // what a canvas held is gone with its size
  picture.setAttribute("aria-label", "nothing is shown");
}

function close(text = "") {
  blank();
  lease = null;
  clearInterval(ticking);
  of("look").hidden = true;
  tell(text);
  if (!forms.ask.hidden) forms.ask.elements.reason.focus();
}

async function refusal(answer) {
  const said = await answer.json().catch(() => ({}));
  tell(said.message || `The broker answers ${answer.status}; nothing was opened.`, true);
  if (answer.status === 401 && said.code === "not_signed_in") show("signIn");
  if (said.code === "confirmation_old") show("confirm", "ask");
}

async function asked(path, body) {
  try {
    const answer = await post(path, body);
    if (answer.ok) return answer;
    await refusal(answer);
  } catch {
    tell("The broker does not answer; nothing was opened.", true);
  }
  return null;
}

function ticks() {
  const seconds = Math.max(0, Math.round((lease.until - performance.now()) / 1000));
  of("left").textContent = `${lease.views} of ${lease.granted} looks left, for ${seconds} s`;
  of("sharp").disabled = lease.views < 1 || !lease.blurred;
  if (seconds === 0) close("The grant is over: ask again.");
}

async function look(sharp) {
  if (!lease || looking || lease.views < 1 || (sharp && !lease.blurred)) return;
  blank();
  const mine = (looking = new AbortController());
  tell(sharp ? "Opening it sharp …" : "Opening it blurred …");
  try {
    const answer = await post(`/imagery/leases/${encodeURIComponent(lease.id)}/views`, { sharp }, mine.signal);
    lease.views -= 1;
    if (!answer.ok) {
      await refusal(answer);
      return;
    }
    const bitmap = await createImageBitmap(await answer.blob()); // whole, or not at all
    if (looking !== mine || !lease || document.hidden) return;
    lease.blurred = true;
    picture.width = bitmap.width;
    picture.height = bitmap.height;
    picture.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    picture.setAttribute("aria-label", sharp ? "the picture, sharp, marked with your account" : "the picture, blurred");
    ticks();
    tell(sharp ? "Sharp. Esc closes it." : "Blurred. S shows it sharp, which is a look more; Esc closes it.");
    of(sharp || lease.views < 1 ? "close" : "sharp").focus();
  } catch {
    if (looking === mine) tell("The picture broke off or was taken back; nothing is shown.", true);
  } finally {
    if (looking === mine) looking = null;
    if (lease) ticks();
  }
}

forms.signIn.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password, code } = forms.signIn.elements;
  const body = { name: name.value, password: password.value, code: code.value };
  password.value = code.value = "";
  if (!(await asked("/session", body))) return;
  tell("");
  show("ask");
});

forms.confirm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { code } = forms.confirm.elements;
  const body = { code: code.value };
  code.value = "";
  if (!(await asked("/session/confirm", body))) return;
  tell("Confirmed: ask again.");
  show("ask");
});

forms.ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  close();
  const { tenant, case_id, transaction_id, reason } = forms.ask.elements;
  const answer = await asked("/imagery/leases", {
    tenant: tenant.value, case_id: case_id.value, transaction_id: transaction_id.value, reason: reason.value,
  });
  if (!answer) return;
  const granted = await answer.json();
  lease = {
    id: granted.lease_id, granted: granted.views, views: granted.views,
    until: performance.now() + granted.seconds * 1000,
  };
  of("look").hidden = false;
  ticking = setInterval(ticks, 1000);
  ticks();
  await look(false);
});

of("sharp").addEventListener("click", () => look(true));
of("close").addEventListener("click", () => close());
of("sign-out").addEventListener("click", async () => {
  close();
  await asked("/session/end", {});
  forms.ask.reset();
  show("signIn");
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && lease) close();
  const typing = event.target instanceof HTMLInputElement;
  // a key that is held down has not been pressed a second time
  if (event.key.toLowerCase() === "s" && !event.repeat && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    look(true);
  }
});

addEventListener("pagehide", () => close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => {
  if (document.hidden && lease) close("Closed, because the page was hidden.");
});

const text64 = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

organisation.addEventListener("submit", async (event) => {
  event.preventDefault();
  const verifier = text64(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const named = NAMED.map((name) => [name, forms.ask.elements[name].value]);
  // for the way there and back, in this window alone; no server is sent it
  sessionStorage.setItem("entering", JSON.stringify({ verifier, named }));
  location.assign(`${console_}/imagery/enter?challenge=${text64(new Uint8Array(digest))}`);
});

async function enter(ticket) {
  const kept = JSON.parse(sessionStorage.getItem("entering") || "null");
  sessionStorage.removeItem("entering");
  for (const [name, value] of kept?.named || []) forms.ask.elements[name].value = value;
  show("signIn");
  if (!kept) {
    tell("This was begun in another window: begin again.", true);
  } else if (await asked("/session/entered", { ticket, verifier: kept.verifier })) {
    tell("");
    show("ask");
  }
}

// who links here names case and transaction behind the #, which no server and no other page is sent
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
if (given.has("ticket")) {
  enter(given.get("ticket"));
} else {
  for (const name of NAMED) forms.ask.elements[name].value = given.get(name) || "";
  show("signIn");
}
