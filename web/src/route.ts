// Addresses of the page: what stands behind the `#`. Names are percent-encoded, one segment each.

export type SessionTab = "label" | "results" | "history" | "audit";

export type Route =
  | { view: "home" }
  | { view: "project"; project: string }
  | { view: "compare"; project: string; a: string; b: string }
  | { view: "session"; project: string; session: string; tab: SessionTab }
  | { view: "lost"; address: string };

const TABS: readonly string[] = ["results", "history", "audit"] satisfies SessionTab[];

/** Reads an address. */
export function parseRoute(hash: string): Route {
  const address = hash.replace(/^#?\/?/, "");
  const [path = "", search = ""] = address.split("?", 2);
  const lost: Route = { view: "lost", address };
  const parts = decoded(path);
  if (parts === null) return lost;
  const [root, project, kind, session, tab = "label", ...more] = parts;
  if (root === undefined) return { view: "home" };
  if (root !== "p" || project === undefined || more.length > 0) return lost;
  if (kind === undefined) return { view: "project", project };
  if (kind === "compare" && session === undefined) return compareRoute(project, new URLSearchParams(search));
  if (kind !== "s" || session === undefined) return lost;
  return tab === "label" || TABS.includes(tab)
    ? { view: "session", project, session, tab: tab as SessionTab }
    : lost;
}

/** Writes an address. */
export function href(route: Exclude<Route, { view: "lost" }>): string {
  const encode = encodeURIComponent;
  switch (route.view) {
    case "home":
      return "#/";
    case "project":
      return `#/p/${encode(route.project)}`;
    case "compare":
      return `#/p/${encode(route.project)}/compare?a=${encode(route.a)}&b=${encode(route.b)}`;
    case "session": {
      const tab = route.tab === "label" ? "" : `/${route.tab}`;
      return `#/p/${encode(route.project)}/s/${encode(route.session)}${tab}`;
    }
  }
}

function compareRoute(project: string, search: URLSearchParams): Route {
  return { view: "compare", project, a: search.get("a") ?? "", b: search.get("b") ?? "" };
}

function decoded(path: string): string[] | null {
  try {
    return path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    return null;
  }
}
