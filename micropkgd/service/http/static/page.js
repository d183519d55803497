// Keeps the page true, and does what its buttons say. It asks for the page again whenever the service tells of an event.
// The token, or a code that is good for it once, comes in the address's fragment and is taken out of it at once. It lives in
// this tab until the tab is closed: no cookie, so that no other page can make the browser send it.
"use strict";

const live = document.getElementById("live");
const said = document.getElementById("said");
let token = sessionStorage.getItem("token");
let asked = false;
let wanted = "";

function carrying(more) {
  return { headers: { Authorization: `Bearer ${token}`, ...more }, cache: "no-store", credentials: "omit" };
}

async function post(path, body, headers) {
  const sent = { ...carrying(), method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
  const answer = await fetch(path, sent);
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error?.problem ?? document.error ?? `the service says ${answer.status}`);
  return document;
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

function filter() {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => words.every((word) => text.toLowerCase().includes(word));
  for (const one of document.querySelectorAll("details[data-project], section[aria-labelledby=events] tbody tr")) {
    one.hidden = !fits(one.textContent);
  }
}

function dress() {
  for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
  const field = document.getElementById("filter");
  if (field) field.value = wanted;
  tellTimes();
  filter();
}

async function refresh() {
  const answer = await fetch("/", carrying());
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const known = new Map([...document.querySelectorAll("details[data-project]")].map((one) => [one.dataset.project, one]));
  const active = document.activeElement;
  const within = active?.closest("details[data-project]")?.dataset.project;
  const { id, dataset: { do: action, entry } } = active ?? { dataset: {} };
  for (const one of fresh.querySelectorAll("details[data-project]")) {
    const old = known.get(one.dataset.project);
    if (old && old.dataset.state === one.dataset.state) one.open = old.open;
  }
  document.querySelector("main").replaceWith(fresh);
  dress();
  if (id) document.getElementById(id)?.focus();
  for (const one of fresh.querySelectorAll("details[data-project]")) {
    if (one.dataset.project !== within) continue;
    const button = [...one.querySelectorAll("button")].find((two) => two.dataset.do === action && two.dataset.entry === entry);
    (button ?? one.querySelector("summary")).focus();
  }
}

function soon() {
  if (asked) return;
  asked = true;
  setTimeout(() => { asked = false; refresh().catch(() => {}); }, 250);
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

async function press(button) {
  const { do: action, root, entry } = button.dataset;
  if (action === "login") {
    location.hash = new URLSearchParams({ token: document.getElementById("token").value.trim() });
    return;
  }
  button.disabled = true;
  said.textContent = "";
  try {
    const body = { ...(root ? { projects: [root] } : {}), ...(entry ? { entries: [entry] } : {}) };
    await post(`/v1/${action}`, body, { Authorization: `Bearer ${token}` });
    said.textContent = `${button.getAttribute("aria-label") ?? button.textContent}: done`;
  } catch (error) {
    said.textContent = `${button.getAttribute("aria-label") ?? button.textContent}: ${error.message}`;
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
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.id === "token") press(document.querySelector("[data-do=login]"));
});
addEventListener("input", (event) => {
  if (event.target.id !== "filter") return;
  wanted = event.target.value;
  filter();
});
setInterval(tellTimes, 30000);
begin();
