import { expect, it } from "vitest";

import { takeFiles } from "./files.ts";

it("the files that were chosen outlive the emptying of their input", () => {
  const chosen: File[] = [new File(["a"], "a.txt")];
  // As browsers do it: emptying the input empties the list that it gave.
  const input = {
    files: chosen,
    set value(_: string) {
      chosen.length = 0;
    },
  } as unknown as HTMLInputElement;
  expect(takeFiles(input).map(({ name }) => name)).toEqual(["a.txt"]);
  expect(chosen).toEqual([]);
});
