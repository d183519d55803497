// Keeps the table true: asks for the page again, with the token, whenever the service tells of an event.
// The token comes in the address's fragment, is taken out of it at once, and lives in this variable alone.
"use strict";

let token = new URLSearchParams(location.hash.slice(1)).get("token");
let asked = false;

const live = document.getElementById("live");

function carrying() {
  return { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit" };
}

async function refresh() {
  const answer = await fetch("/", carrying());
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const toggled = new Map([...document.querySelectorAll("details")].map((one) => [one.dataset.project, one]));
  const focused = document.activeElement?.closest("details")?.dataset.project;
  for (const one of fresh.querySelectorAll("details")) {
    const old = toggled.get(one.dataset.project);
    if (old && old.dataset.state === one.dataset.state) one.open = old.open;
  }
  document.querySelector("main").replaceWith(fresh);
  for (const one of fresh.querySelectorAll("details")) {
    if (one.dataset.project === focused) one.querySelector("summary").focus();
  }
}

function soon() {
  if (asked) return;
  asked = true;
  setTimeout(() => { asked = false; refresh().catch(() => {}); }, 250);
}

async function follow() {
  const answer = await fetch("/v1/events?follow=1&since=999999999999999999", carrying());
  if (answer.status === 401) throw new Error("the token is not the right one");
  if (!answer.ok) throw new Error(`the service says ${answer.status}`);
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

addEventListener("hashchange", () => location.reload());
if (token) {
  history.replaceState(null, "", location.pathname);
  stay();
}
