import { expect, it } from "vitest";

import { isLight } from "./theme.ts";

it("tells light text from dark, however the browser writes colours", () => {
  for (const light of ["rgb(255, 255, 255)", "rgba(224, 224, 224, 0.87)", "color(srgb 0.9 0.9 0.9)"])
    expect(isLight(light), light).toBe(true);
  for (const dark of ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0.87)", "rgb(60, 60, 67)", "color(srgb 0.1 0.1 0.1)"])
    expect(isLight(dark), dark).toBe(false);
});
