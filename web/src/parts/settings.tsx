// Light and dark, the name that labels carry, and keys.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { userName, setUserName } from "../identity.ts";
import { dark, theme } from "../state/theme.ts";
import type { Theme } from "../state/theme.ts";
import { Dialog } from "./dialog.tsx";
import { KeySettings } from "./key-settings.tsx";
import { Key, useKeys } from "./key.tsx";

export function Settings(): JSX.Element {
  const [open, setOpen] = useState(false);
  useKeys({ help: () => setOpen(true) });
  const other = dark.value ? "light" : "dark";
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={`Switch to ${other}`}
        title={`Switch to ${other}`}
        onClick={() => (theme.value = other)}
      >
        <svg class="sign" viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7" />
          <path d="M10 3a7 7 0 0 1 0 14z" class="fill" />
        </svg>
      </button>
      <button type="button" class="quiet" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span>Keys</span> <span class="sr-only">and settings</span> <Key action="help" />
      </button>
      {open && <SettingsDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function SettingsDialog({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys and settings" size="wide" onClose={onClose}>
      <div class="settings-row">
        <label class="field">
          <span>Your name</span>
          <input
            value={userName.value}
            maxLength={40}
            placeholder="labels carry it"
            onChange={(event) => setUserName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Colours</span>
          <select
            value={theme.value}
            onChange={(event) => (theme.value = event.currentTarget.value as Theme)}
          >
            <option value="system">as the system</option>
            <option value="light">light</option>
            <option value="dark">dark</option>
          </select>
        </label>
      </div>
      <KeySettings />
    </Dialog>
  );
}
