// A record as it looks: a picture in its own shape, a text that reads well, or the id and metadata of a vector.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { contentPath, thumbnailPath } from "../api/calls.ts";
import type { LinRecord } from "../api/types.ts";
import { titleOf } from "../format.ts";
import { useAddress } from "../state/address.ts";

interface MediaProps {
  project: string;
  record: LinRecord;
}

/** A record in a card: its place is kept before it is loaded, so that nothing moves. */
export function Media({ project, record }: MediaProps): JSX.Element {
  if (record.kind === "image") return <Picture project={project} record={record} size={512} />;
  if (record.kind === "text" || (record.text ?? "") !== "") return <Prose record={record} />;
  return <Metadata record={record} />;
}

export function Picture({ project, record, size }: MediaProps & { size: 128 | 256 | 512 }): JSX.Element {
  const { address, failed } = useAddress(thumbnailPath(project, record.id, size));
  const [broken, setBroken] = useState(false);
  if (failed || broken) return <p class="picture picture-lost">This picture cannot be shown.</p>;
  return (
    <img
      class="picture"
      src={address ?? undefined}
      alt={record.id}
      width={record.width ?? undefined}
      height={record.height ?? undefined}
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setBroken(true)}
    />
  );
}

const SHORT = 300;

/** A text: its first line stands out where more follow; a long one opens where it stands. */
function Prose({ record }: { record: LinRecord }): JSX.Element {
  const [open, setOpen] = useState(false);
  const text = record.text ?? "";
  const { head, body } = split(text);
  const long = body.length > SHORT;
  return (
    <div class="prose">
      {head !== null && (
        <p class="prose-head" dir="auto">
          {head}
        </p>
      )}
      <p class="prose-body" dir="auto">
        {long && !open ? `${body.slice(0, cutAt(body)).trimEnd()}…` : body}
      </p>
      {long && (
        <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Less" : "More"}
        </button>
      )}
    </div>
  );
}

/** A short first line is a heading if something follows. */
function split(text: string): { head: string | null; body: string } {
  const [first = "", ...rest] = text.trim().split("\n");
  const body = rest.join("\n").trim();
  return body !== "" && first.length <= 90 ? { head: first, body } : { head: null, body: text.trim() };
}

function cutAt(body: string): number {
  const space = body.lastIndexOf(" ", SHORT);
  return space > SHORT / 2 ? space : SHORT;
}

function Metadata({ record, limit = 6 }: { record: LinRecord; limit?: number }): JSX.Element {
  const pairs = Object.entries(record.metadata);
  return (
    <div class="metadata">
      <p class="record-id">{record.id}</p>
      <dl>
        {pairs.slice(0, limit).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {pairs.length > limit && <p class="soft">and {pairs.length - limit} more</p>}
    </div>
  );
}

/** A record in one line of a list. */
export function Thumb({ project, record }: MediaProps): JSX.Element {
  return (
    <span class="thumb">
      {record.kind === "image" && <Picture project={project} record={record} size={128} />}
      <span class="thumb-title" dir="auto">
        {titleOf(record)}
      </span>
    </span>
  );
}

/** Everything of a record, as large as there is room. */
export function Whole({ project, record }: MediaProps): JSX.Element {
  return (
    <div class="whole">
      {record.kind === "image" && <WholePicture key={record.id} project={project} record={record} />}
      {(record.text ?? "") !== "" && (
        <div class="whole-text" dir="auto" tabIndex={0} role="region" aria-label="The whole text">
          {record.text}
        </div>
      )}
      {record.truncated === true && (
        <p>
          <WholeText project={project} record={record} />
        </p>
      )}
      <Metadata record={record} limit={40} />
    </div>
  );
}

/** The picture as it was given; in a format that the browser does not read, as its thumbnail. */
function WholePicture({ project, record }: MediaProps): JSX.Element {
  const { address, failed } = useAddress(contentPath(project, record.id));
  const [broken, setBroken] = useState(false);
  if (failed || broken) return <Picture project={project} record={record} size={512} />;
  return (
    <img
      class="whole-picture"
      src={address ?? undefined}
      alt={record.id}
      width={record.width ?? undefined}
      height={record.height ?? undefined}
      onError={() => setBroken(true)}
    />
  );
}

function WholeText({ project, record }: MediaProps): JSX.Element {
  const { address } = useAddress(contentPath(project, record.id));
  return (
    <a href={address ?? undefined} target="_blank" rel="noopener">
      The text goes on: open all of it
    </a>
  );
}
