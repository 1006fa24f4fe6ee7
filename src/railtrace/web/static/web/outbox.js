// What is done without network waits on this device until the trace has it, in any order.
globalThis.Outbox = class Outbox {
  constructor(name, address, token) {
    Object.assign(this, { name, address, token, sending: false, shut: false });
  }

  #store() {
    return new Promise((done, failed) => {
      const asked = indexedDB.open(this.name, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "id" });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  }

  async #deal(mode, act) {
    const db = await this.#store();
    return new Promise((done, failed) => {
      const deal = db.transaction("outbox", mode);
      const asked = act(deal.objectStore("outbox"));
      deal.oncomplete = () => { db.close(); done(asked.result); };
      deal.onerror = () => { db.close(); failed(deal.error); };
    });
  }

  all() { return this.#deal("readonly", (s) => s.getAll()); }
  put(item) { return this.#deal("readwrite", (s) => s.put(item)); }
  drop(id) { return this.#deal("readwrite", (s) => s.delete(id)); }

  // Send what waits and is `mine`; `own` names the fields that are for this page alone. What the
  // trace did not receipt stays: a session that has ended answers with the page to log in, and `shut`
  // says so.
  async send(own, mine = () => true) {
    if (this.sending || !navigator.onLine) return 0;
    this.sending = true;
    let sent = 0;
    try {
      for (const item of await this.all()) {
        if (item.refused || !mine(item)) continue;
        const body = Object.fromEntries(Object.entries(item).filter(([key]) => !own.includes(key)));
        const answer = await fetch(this.address, {
          method: "POST", credentials: "same-origin", redirect: "manual",
          headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
          body: JSON.stringify({ ...body, sent_at: Outbox.stamp(new Date()) }),
        });
        this.shut = answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403;
        if (answer.ok && (await answer.json()).id) {
          await this.drop(item.id);
          sent += 1;
        } else if (answer.status === 422) {
          const { said } = await answer.json();
          await this.put({ ...item, refused: said });
        } else break;
      }
    } catch {
      // No network: everything stays where it is.
    } finally {
      this.sending = false;
    }
    return sent;
  }

  static stamp(date) {
    const minutes = -date.getTimezoneOffset();
    const pad = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
    const local = new Date(date.getTime() + minutes * 60000).toISOString().slice(0, 19);
    return `${local}${minutes < 0 ? "-" : "+"}${pad(minutes / 60)}:${pad(minutes % 60)}`;
  }

  static newId() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  static read(file) {
    return new Promise((done) => {
      if (!file || !file.size) return done("");
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.onerror = () => done("");
      reader.readAsDataURL(file);
    });
  }
};
