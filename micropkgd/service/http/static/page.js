// Keeps the page true, and does what its buttons say. It asks for the page again whenever the service tells of an event.
// The token, or a code that is good for it once, comes in the address's fragment and is taken out of it at once. It lives in
// this tab until the tab is closed: no cookie, so that no other page can make the browser send it.
import { makeDesk, visible } from "/desk.js";

const live = document.getElementById("live");
const said = document.getElementById("said");
const VIEWS = new Set(["held", "diff", "pending", "history"]);
const PAUSE = 1000; // milliseconds between two askings for the page
let token = sessionStorage.getItem("token");
let asked = false;
let wanted = "";
let most = "";

function carrying(more) {
  return { headers: { Authorization: `Bearer ${token}`, ...more }, cache: "no-store", credentials: "omit" };
}

async function documentOf(answer) {
  const document = await answer.json();
  if (answer.ok) return document;
  const { problem, hint } = document.error ?? {};
  throw Object.assign(new Error(problem || `the service says ${answer.status}`), { hint, status: answer.status });
}

async function post(path, body, headers) {
  const sent = { ...carrying(), method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
  return documentOf(await fetch(path, sent));
}

async function ask(path, body) {
  try {
    if (body !== undefined) return await post(path, body, { Authorization: `Bearer ${token}` });
    return await documentOf(await fetch(path, carrying()));
  } catch (error) {
    if (error instanceof TypeError) throw new Error("the service does not answer: try again");
    throw error;
  }
}

const far = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
function distance(then) {
  const seconds = (Date.parse(then) - Date.now()) / 1000;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return far.format(Math.round(seconds / size), unit);
  }
  return far.format(Math.round(seconds), "second");
}

function tellTimes() {
  for (const one of document.querySelectorAll("time[datetime]")) {
    if (Number.isNaN(Date.parse(one.dateTime))) continue;
    one.textContent = distance(one.dateTime);
    one.title = new Date(one.dateTime).toLocaleString();
  }
}

function dress() {
  for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
  const field = document.getElementById("filter");
  if (field && field.value !== wanted) field.value = wanted;
  tellTimes();
}

const projects = (within) => [...within.querySelectorAll("details[data-project]")];

// What is as it was stays the node that it is: it keeps what is open in it, and where the focus is.
function mend(fresh) {
  const known = new Map(projects(document).map((one) => [one.dataset.project, one]));
  for (const one of projects(fresh)) {
    const old = known.get(one.dataset.project);
    if (!old) continue;
    if (old.dataset.stamp === one.dataset.stamp && (old.dataset.whole === "yes" || one.dataset.whole === "no")) one.replaceWith(old);
    else if (old.dataset.state === one.dataset.state) one.open = old.open;
  }
}

async function textOf(query) {
  const answer = await fetch(`/?${new URLSearchParams(query)}`, carrying());
  if (!answer.ok) throw new Error(`the service says ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
}

async function refresh() {
  const query = { ...(wanted ? { words: wanted } : {}), ...(most ? { most } : {}) };
  const fresh = await textOf(query);
  const active = document.activeElement;
  const within = active?.closest("details[data-project]")?.dataset.project;
  const { id, selectionStart, dataset: { do: action, entry } } = active ?? { dataset: {} };
  mend(fresh);
  document.querySelector("main").replaceWith(document.adoptNode(fresh));
  dress();
  for (const one of projects(document)) if (one.open) fill(one);
  if (document.getElementById("desk").open) return;
  if (active?.isConnected) active.focus();
  else if (id) {
    const field = document.getElementById(id);
    field?.focus();
    if (id === "filter") field?.setSelectionRange(selectionStart, selectionStart);
  } else if (within !== undefined) focusOn({ root: within, kind: action, entry });
}

function focusOn({ root, kind, entry }) {
  const project = projects(document).find((one) => one.dataset.project === root);
  const found = [...(project?.querySelectorAll("button") ?? [])].find((one) => one.dataset.do === kind && one.dataset.entry === entry);
  (found ?? project?.querySelector("summary"))?.focus();
}

// The entries of a project come when it is opened.
async function fill(project) {
  if (project.dataset.whole === "yes" || project.dataset.asking) return;
  project.dataset.asking = "yes";
  try {
    const whole = (await textOf({ project: project.dataset.project })).querySelector("details[data-project]");
    if (!whole || !project.isConnected) return;
    const [head, ...rest] = whole.childNodes;
    const own = project.querySelector("summary");
    while (own.nextSibling) own.nextSibling.remove();
    own.replaceChildren(...head.childNodes);
    project.append(...rest);
    Object.assign(project.dataset, { whole: "yes", stamp: whole.dataset.stamp, state: whole.dataset.state });
    dress();
  } catch (error) {
    said.textContent = visible(`${project.dataset.project}: ${error.message}`);
  } finally {
    delete project.dataset.asking;
  }
}

let refreshing = null;
function soon(wait = 250) {
  if (asked) return;
  asked = true;
  setTimeout(async () => {
    await refreshing;
    asked = false;
    if (document.hidden) return;
    refreshing = refresh().catch(() => {}).then(() => new Promise((resolve) => setTimeout(resolve, PAUSE)));
  }, wait);
}

async function follow() {
  const answer = await fetch("/v1/events?follow=1&since=999999999999999999", carrying());
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    throw new Error("the token is not the right one");
  }
  if (!answer.ok) throw new Error(`the service says ${answer.status}`);
  sessionStorage.setItem("token", token);
  live.textContent = "live";
  await refresh();
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) soon();
  throw new Error("the service went away");
}

async function stay() {
  for (;;) {
    try {
      await follow();
    } catch (error) {
      live.textContent = `not live: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}

const openDesk = makeDesk(ask, (text) => { said.textContent = text; }, (now) => { if (now) focusOn(now); }, tellTimes);

async function press(button) {
  const { do: action, root, entry } = button.dataset;
  if (action === "login") {
    location.hash = new URLSearchParams({ token: document.getElementById("token").value.trim() });
    return;
  }
  if (action === "more") {
    most = button.dataset.most;
    soon(0);
    return;
  }
  if (VIEWS.has(action)) {
    await openDesk(action, root, entry);
    return;
  }
  button.disabled = true;
  said.textContent = "";
  const about = button.getAttribute("aria-label") ?? button.textContent;
  try {
    const body = { ...(root ? { projects: [root] } : {}), ...(entry ? { entries: [entry] } : {}) };
    await ask(`/v1/${action}`, body);
    said.textContent = `${about}: done`;
  } catch (error) {
    said.textContent = visible(`${about}: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname);
  try {
    if (given.has("code")) token = (await post("/v1/login", { code: given.get("code") }, {})).token;
    else if (given.has("token")) token = given.get("token");
  } catch (error) {
    live.textContent = `not live: ${error.message}`;
  }
  dress();
  if (token) stay();
}

addEventListener("hashchange", () => location.reload());
addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) press(button);
});
addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[data-project]") && event.target.open) fill(event.target);
}, true);
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.id === "token") press(document.querySelector("[data-do=login]"));
});
let typing = 0;
addEventListener("input", (event) => {
  if (event.target.id !== "filter") return;
  wanted = event.target.value;
  most = "";
  clearTimeout(typing);
  typing = setTimeout(() => refresh().catch(() => {}), 200);
});
addEventListener("visibilitychange", () => { if (!document.hidden && token) soon(0); });
setInterval(tellTimes, 30000);
begin();
