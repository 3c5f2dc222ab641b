// Asks for the token of a server that wants one.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { login } from "../api/calls.ts";
import { report } from "../state/ui.ts";

export function TokenForm({ onDone }: { onDone: () => void }): JSX.Element {
  const [token, setToken] = useState("");
  const enter = async () => {
    try {
      await login(token.trim());
      onDone();
    } catch (error) {
      report(error);
    }
  };
  return (
    <form
      class="empty"
      onSubmit={(event) => {
        event.preventDefault();
        void enter();
      }}
    >
      <h2>This server asks for its token</h2>
      <p>“linprobe serve” has printed it.</p>
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          required
          autocomplete="current-password"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary">
        Enter
      </button>
    </form>
  );
}
