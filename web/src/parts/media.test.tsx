import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, it } from "vitest";

import type { LinRecord } from "../api/types.ts";
import { Whole } from "./media.tsx";

afterEach(() => render(null, document.body));

const show = (record: LinRecord) => act(() => render(<Whole project="p" record={record} />, document.body));
const source = () => document.querySelector("img")?.getAttribute("src") ?? null;
const fail = () => act(() => void document.querySelector("img")?.dispatchEvent(new Event("error")));

it("a picture that the browser cannot show is shown by its thumbnail, then in words", async () => {
  await show({ id: "a.tif", kind: "image", metadata: {} });
  expect(source()).toMatch(/a\.tif\/content$/);
  await fail();
  expect(source()).toMatch(/a\.tif\/thumbnail\?size=512$/);
  await fail();
  expect([source(), document.body.textContent]).toEqual([
    null,
    expect.stringContaining("This picture cannot be shown."),
  ]);
});

it("the next picture is tried anew", async () => {
  await show({ id: "a.tif", kind: "image", metadata: {} });
  await fail();
  await show({ id: "b.png", kind: "image", metadata: {} });
  expect(source()).toMatch(/b\.png\/content$/);
});
