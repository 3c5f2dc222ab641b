import { describe, expect, it } from "vitest";

import { href, parseRoute } from "./route.ts";
import type { Route } from "./route.ts";

describe("addresses", () => {
  it("are read as they were written, whatever the names hold", () => {
    const routes: Exclude<Route, { view: "lost" }>[] = [
      { view: "home" },
      { view: "project", project: "a/b c" },
      { view: "session", project: "p", session: "dogs in the snow?", tab: "label" },
      { view: "session", project: "p", session: "100 % é", tab: "audit" },
      { view: "compare", project: "p", a: "one@3", b: "a&b" },
    ];
    expect(routes.map(href).map(parseRoute)).toEqual(routes);
  });

  it("without a hash lead home", () => {
    expect(["", "#", "#/"].map((hash) => parseRoute(hash).view)).toEqual(["home", "home", "home"]);
  });

  it("that lead nowhere say so", () => {
    for (const hash of ["#/x", "#/p/a/s", "#/p/a/s/b/nothing", "#/p/%zz", "#/p/a/s/b/audit/more"]) {
      expect(parseRoute(hash).view).toBe("lost");
    }
  });
});
