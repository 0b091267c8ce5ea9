// Live parts of the pages: steps as they come, and signatures of passkeys. Everything else works without this.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const spelled = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(address, data) {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(data), headers: { Accept: "application/json" } });
  const told = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error([told.error, told.cure].filter(Boolean).join(": "));
  return told;
}

async function sign(form) {
  const asked = await send(form.action, new FormData(form));
  const given = await navigator.credentials.get({
    publicKey: {
      challenge: bytes(asked.challenge),
      rpId: asked.host,
      userVerification: "required",
      allowCredentials: asked.credentials.map((id) => ({ type: "public-key", id: bytes(id) })),
    },
  });
  const told = await send(asked.address, {
    token: asked.token,
    credential: spelled(given.rawId),
    client_data: spelled(given.response.clientDataJSON),
    authenticator_data: spelled(given.response.authenticatorData),
    signature: spelled(given.response.signature),
  });
  location.assign(told.go);
}

async function register(form) {
  const name = form.elements.name ? form.elements.name.value : "operator";
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      rp: { id: location.hostname, name: "Dagster Playbook" },
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      authenticatorSelection: { userVerification: "required" },
      attestation: "none",
    },
  });
  const data = new FormData(form);
  data.set("credential", spelled(made.rawId));
  data.set("public_key", spelled(made.response.getPublicKey()));
  document.getElementById("line").textContent = (await send(form.action, data)).line;
}

function onSubmit(form, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const problem = form.querySelector(".live-problem");
    button.disabled = true;
    problem.textContent = "";
    try {
      await act(form);
    } catch (error) {
      // a form is taken once: its next token comes with the page
      problem.textContent = `${error.message} (load the page anew to try again)`;
    }
  });
}

function watch(part) {
  const source = new EventSource(part.dataset.watch);
  source.addEventListener("changed", (event) => { part.innerHTML = event.data; });
  source.addEventListener("ended", (event) => {
    part.innerHTML = event.data;
    source.close();
    if (part.dataset.reloadAtEnd === "yes") location.reload();
  });
}

function tick() {
  for (const part of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, (Date.now() - Date.parse(part.dataset.since)) / 1000);
    part.textContent = seconds < 60 ? `${seconds.toFixed(0)} s` : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min`;
  }
}

document.querySelectorAll("form[data-sign]").forEach((form) => onSubmit(form, sign));
document.querySelectorAll("form[data-register]").forEach((form) => onSubmit(form, register));
document.querySelectorAll("[data-watch]").forEach(watch);
setInterval(tick, 1000);
