// Keys and news for pages that need neither: every deed is a form, every place a link. Nothing is ever written as
// markup, nothing is kept, and what is new never moves what is selected.
"use strict";

const NEWS_EVERY_MS = 20_000;
const NEWS_SAID_EVERY_MS = 1_000;
const keys = document.getElementById("keys");
const rows = () => [...document.querySelectorAll("a.row")];

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((each) => each.closest("tr").contains(document.activeElement));
  const to = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  to.focus();
  to.closest("tr").scrollIntoView({ block: "nearest" });
}

function act(element) {
  if (!element) return false;
  if (element.matches("input")) {
    element.focus();
    element.scrollIntoView({ block: "center" });
  } else {
    element.click();
  }
  return true;
}

const boxes = () => [...document.querySelectorAll('input[type="checkbox"][name="case"]')];
let lately = null;

// choose the selected case, or take it back; with a range, every case between it and the one before
function choose(range) {
  const all = boxes();
  const to = all.findIndex((each) => each.closest("tr").contains(document.activeElement));
  if (to < 0) return;
  const from = range && lately ? all.indexOf(lately) : to;
  const given = range ? true : !all[to].checked;
  for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = given;
  lately = all[to];
}

// with what is chosen a key is a deed of all of it
function together(key) {
  const button = boxes().some((each) => each.checked) && document.querySelector(`[data-many-key="${CSS.escape(key)}"]`);
  return button ? act(button) : false;
}

const chosen = () => document.activeElement?.closest("tr[id]");

const ofRow = (key) => chosen()?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);

const marked = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);

// what opens is read from its heading on
function listed() {
  keys?.showModal();
  document.getElementById("keys-title")?.focus();
}

// every other key is whatever a page marks with it
const BY_KEY = {
  j: () => move(1),
  k: () => move(-1),
  x: () => choose(false),
  X: () => choose(true),
  t: () => act(ofRow("t") ?? marked("t")),
  a: () => act(ofRow("a") ?? marked("a")),
  q: () => act(marked("q")) || location.assign("/queue"),
  "?": () => listed(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  const at = event.target;
  if (at instanceof HTMLElement && at.matches("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") document.getElementById("main").focus();
    return;
  }
  if (document.body.dataset.keys === "off" || keys?.open || !keys) return;
  if (together(event.key)) {
    event.preventDefault();
    return;
  }
  const wanted = Object.hasOwn(BY_KEY, event.key) ? BY_KEY[event.key] : marked(event.key) && (() => act(marked(event.key)));
  if (!wanted) return;
  event.preventDefault();
  wanted();
});

// what a deed was refused with stands at the address of the case: who comes back to it, or reloads, sends nothing again
const place = document.body.dataset.place;
if (place && place !== location.pathname) history.replaceState(null, "", place);

document.getElementById("help")?.addEventListener("click", () => listed());

// a slider beside its number, which is what is sent; without script the number is enough
for (const slider of document.querySelectorAll("input[type=range][data-for]")) {
  const number = document.getElementById(slider.dataset.for);
  slider.closest("label").hidden = false;
  if (number.value !== "") slider.value = number.value;
  slider.addEventListener("input", () => (number.value = slider.value));
  number.addEventListener("input", () => (slider.value = number.value));
}

// a deed is done once, however often it is pressed
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.method === "dialog") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// coming back from a case, the list stands where it stood
const back = location.hash.startsWith("#case-") && document.getElementById(location.hash.slice(1));
if (back) back.querySelector("a.row").focus();

// who came to search has the cursor there
if (location.hash === "#find") document.getElementById("find")?.focus();

// what is looked back for: how far it is, every second; then what was found, at once where nobody is at work on the page
const LOOK_EVERY_MS = 1_000;
let written = false;
addEventListener("input", () => (written = true));

function idle() {
  const at = document.activeElement;
  return !written && (!at || at.matches("body, main, h1, h2") || at.closest("[data-look]"));
}

async function followed(panel) {
  let answer;
  try {
    answer = await fetch(`/v1/lookbacks/${encodeURIComponent(panel.dataset.look)}`, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch {
    return true;
  }
  if (answer.status === 401 || answer.status === 404) return false;
  if (!answer.ok) return true;
  const found = await answer.json();
  panel.querySelector("progress").value = found.progress * 100;
  const text = `${found.sentence[0].toUpperCase()}${found.sentence.slice(1)}.`;
  const said = panel.querySelector("[data-look-said]");
  if (said.textContent !== text) said.textContent = text;
  if (["waiting", "reading", "opening"].includes(found.state)) return true;
  if (idle()) location.reload();
  else panel.querySelector(".news").hidden = false;
  return false;
}

function follow(panel) {
  setTimeout(async () => {
    if (document.hidden || (await followed(panel))) follow(panel);
  }, LOOK_EVERY_MS);
}

for (const panel of document.querySelectorAll("[data-look]")) follow(panel);

const counts = document.getElementById("counts");
const news = document.getElementById("news");
const title = document.title;
const fresh = new Set();
let events = null;
let lastId = counts?.dataset.cursor;
let looking = 0;
let saying = 0;

function say(count) {
  if (count < 1 && news.contains(document.activeElement)) return;
  const text = count < 1 ? "" : `${count} new since this page was made: show ${count === 1 ? "it" : "them"}`;
  if (news.firstElementChild.textContent !== text) news.firstElementChild.textContent = text;
  news.hidden = count < 1;
  document.title = count < 1 ? title : `(${count}) ${title}`;
}

function signedOut() {
  document.removeEventListener("visibilitychange", seen);
  events?.close();
  clearInterval(looking);
  clearTimeout(saying);
  news.hidden = false;
  news.firstElementChild.textContent = "Your session has ended: sign in again";
  document.title = title;
}

// the console's count, for as long as no stream is open
async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`/v1/cases/waiting?since=${encodeURIComponent(counts.dataset.since)}`, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
    if (answer.status === 401) {
      signedOut();
      return;
    }
    if (!answer.ok) return;
    const found = await answer.json();
    if (found.new > 0) say(found.new);
    listen();
  } catch {
    // it asks again; the page says as of when it is
  }
}

// a case that changed; what is new is said at most every second
function heard(event) {
  lastId = event.lastEventId;
  const found = JSON.parse(event.data);
  const opened = Date.parse(found.opened_at) > Date.parse(counts.dataset.since);
  if (opened && found.state !== "closed" && found.part_of === null) fresh.add(found.case_id);
  else fresh.delete(found.case_id);
  saying ||= setTimeout(() => {
    saying = 0;
    say(fresh.size);
  }, NEWS_SAID_EVERY_MS);
}

function listen() {
  if (document.hidden || events) return;
  const opened = new EventSource(`/v1/stream?cursor=${encodeURIComponent(lastId)}`);
  events = opened;
  opened.addEventListener("case", heard);
  opened.addEventListener("end", (event) => {
    if (JSON.parse(event.data).code === "not_signed_in") signedOut();
  });
  opened.addEventListener("open", () => {
    clearInterval(looking);
    looking = 0;
  });
  // a browser comes again by itself, but not where it was refused
  opened.addEventListener("error", () => {
    if (events !== opened) return;
    if (opened.readyState === EventSource.CLOSED) events = null;
    if (looking) return;
    looking = setInterval(look, NEWS_EVERY_MS);
    look();
  });
}

// a browser has few connections to one place: who does not see the page needs none, and goes on where it was
function seen() {
  if (document.hidden) {
    events?.close();
    events = null;
  } else {
    listen();
  }
}

if (counts && news) {
  listen();
  document.addEventListener("visibilitychange", seen);
}

// what a browser keeps of a page that was left shows nobody a case later
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
