// A record over the whole page.

import type { JSX } from "preact";

import type { LinRecord } from "../api/types.ts";
import { titleOf } from "../format.ts";
import { Dialog } from "./dialog.tsx";
import { Whole } from "./media.tsx";

export function Zoom({
  project,
  record,
  onClose,
}: {
  project: string;
  record: LinRecord;
  onClose: () => void;
}): JSX.Element {
  return (
    <Dialog title={titleOf(record)} size="wide" onClose={onClose}>
      <Whole project={project} record={record} />
    </Dialog>
  );
}
