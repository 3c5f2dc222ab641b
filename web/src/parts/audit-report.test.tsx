import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, it } from "vitest";

import type { AuditReport, Interval } from "../api/types.ts";
import { AuditReportView } from "./audit-report.tsx";

afterEach(() => render(null, document.body));

const EXACT: Interval = { low: 12, estimate: 12, high: 12 };
const WIDE: Interval = { low: 8, estimate: 12, high: 20 };

async function words(n_relevant: Interval, estimated: boolean): Promise<string> {
  const share: Interval = { low: 0.5, estimate: 0.6, high: 0.7 };
  const counts = { basis: "audited", n_points: 100, n_above: 10, n_judged: 20, n_known: 0, threshold: 0 };
  const report: AuditReport = {
    ...counts,
    precision: share,
    recall: share,
    f1: share,
    n_relevant,
    estimated,
  };
  await act(() => render(<AuditReportView report={report} onLearn={() => undefined} />, document.body));
  return document.querySelector(".measure")?.textContent ?? "";
}

it("an amount is about right once", async () => {
  expect(await words(EXACT, true)).toMatch(/^Of 100 records about 12 are/);
  expect(await words(EXACT, false)).toMatch(/^Of 100 records about 12 are/);
  expect(await words(WIDE, true)).toMatch(/^Of 100 records about 12 \(8 to 20\) are/);
  expect(await words(WIDE, false)).toMatch(/^Of 100 records 12 \(8 to 20\) are/);
});
