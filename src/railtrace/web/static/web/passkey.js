// Passkeys: one is made in the account, one signs the hash of a decision. Browsers give them over https.
(() => {
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const put = (form, name, value) => {
  let field = form.querySelector(`input[type=hidden][name=${name}]`);
  if (!field) {
    field = document.createElement("input");
    Object.assign(field, { type: "hidden", name });
    form.append(field);
  }
  field.value = value;
};
const say = (part, words) => {
  const box = part.querySelector("[data-passkey-said]");
  box.textContent = words;
  box.hidden = !words;
};

async function asked(form, decision) {
  const body = new FormData(form);
  body.set("decision", decision);
  body.set("ask", "passkey");
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.why);
  return told;
}

async function sign(form, button) {
  const told = await asked(form, button.value);
  const credential = await navigator.credentials.get({ publicKey: {
    challenge: bytes(told.challenge), rpId: told.host, userVerification: "required",
    allowCredentials: told.credentials.map((id) => ({ type: "public-key", id: bytes(id) })),
  } });
  put(form, "asked", told.asked);
  put(form, "decision", button.value);
  put(form, "assertion", JSON.stringify({
    credential: text(credential.rawId), client_data: text(credential.response.clientDataJSON),
    authenticator_data: text(credential.response.authenticatorData),
    signature: text(credential.response.signature),
  }));
  form.submit();
}

async function make(form) {
  const told = JSON.parse(document.getElementById("passkey-to-make").textContent);
  const credential = await navigator.credentials.create({ publicKey: {
    challenge: bytes(told.challenge), rp: told.rp, user: { ...told.user, id: bytes(told.user.id) },
    pubKeyCredParams: told.algorithms.map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { userVerification: "required" }, attestation: "none",
    excludeCredentials: told.exclude.map((id) => ({ type: "public-key", id: bytes(id) })),
  } });
  put(form, "made", JSON.stringify({
    client_data: text(credential.response.clientDataJSON),
    authenticator_data: text(credential.response.getAuthenticatorData()),
  }));
  form.submit();
}

const tried = async (form, act) => {
  say(form, "");
  form.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    const words = form.querySelector("[data-passkey-said]").dataset;
    const known = { NotAllowedError: words.cancelled, InvalidStateError: words.known, SecurityError: words.insecure };
    say(form, known[error.name] || (error.name === "Error" ? error.message : words.failed));
  }
  form.removeAttribute("aria-busy");
};

const able = window.isSecureContext && window.PublicKeyCredential;
for (const part of document.querySelectorAll("[data-passkey-unable]")) part.hidden = Boolean(able);
for (const part of document.querySelectorAll("[data-passkey], [data-make-passkey] button")) part.disabled = !able;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button || button.disabled) return;
  event.preventDefault();
  tried(button.form, () => sign(button.form, button));
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-make-passkey]")) return;
  event.preventDefault();
  tried(event.target, () => make(event.target));
});
})();
