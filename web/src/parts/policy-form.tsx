// Finds the threshold that keeps a promise, such as a precision of 90 %.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { threshold as askThreshold } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import type { Policy } from "../api/types.ts";
import { announce, report } from "../state/ui.ts";

const POLICIES: { policy: Policy; words: string; unit: "none" | "percent" | "count" | "score" }[] = [
  { policy: "f1", words: "the best F1", unit: "none" },
  { policy: "precision", words: "a precision of", unit: "percent" },
  { policy: "recall", words: "a recall of", unit: "percent" },
  { policy: "count", words: "this many records", unit: "count" },
  { policy: "score", words: "this score", unit: "score" },
];

const FIRST: Record<Policy, number> = { f1: 0, precision: 90, recall: 80, count: 100, score: 0 };

export interface PolicyChoice {
  policy: Policy;
  value?: number;
}

/** The value as the server takes it: shares of one for percentages, nothing where there is no value. */
function policyChoice(policy: Policy, value: number): PolicyChoice {
  const unit = POLICIES.find((one) => one.policy === policy)?.unit ?? "none";
  if (unit === "none") return { policy };
  return { policy, value: unit === "percent" ? value / 100 : value };
}

/** The fields of a policy, to be part of a form. */
export function PolicyFields({ onChange }: { onChange: (choice: PolicyChoice) => void }): JSX.Element {
  const [policy, setPolicy] = useState<Policy>("f1");
  const [value, setValue] = useState(0);
  const unit = POLICIES.find((one) => one.policy === policy)?.unit;
  const set = (next: Policy, number: number) => {
    setPolicy(next);
    setValue(number);
    onChange(policyChoice(next, number));
  };
  return (
    <>
      <select
        aria-label="Threshold for"
        value={policy}
        onChange={(event) =>
          set(event.currentTarget.value as Policy, FIRST[event.currentTarget.value as Policy])
        }
      >
        {POLICIES.map(({ policy: name, words }) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
      {unit !== "none" && (
        <input
          class="short"
          type="number"
          required
          aria-label={unit === "percent" ? "Percent" : "Value"}
          step={unit === "count" ? 1 : "any"}
          min={unit === "score" ? undefined : 1}
          max={unit === "percent" ? 100 : undefined}
          value={value}
          onInput={(event) => set(policy, event.currentTarget.valueAsNumber)}
        />
      )}
      {unit === "percent" && <span>%</span>}
    </>
  );
}

export function PolicyForm({
  seat,
  onThreshold,
}: {
  seat: Seat;
  onThreshold: (score: number) => void;
}): JSX.Element {
  const [choice, setChoice] = useState<PolicyChoice>({ policy: "f1" });
  const find = async () => {
    try {
      const { score, n_above } = await askThreshold(seat, choice.policy, choice.value);
      onThreshold(score);
      announce(`${n_above} records at or above the threshold`);
    } catch (error) {
      report(error);
    }
  };
  return (
    <form
      class="row policy"
      onSubmit={(event) => {
        event.preventDefault();
        void find();
      }}
    >
      <span class="soft">Set it for</span>
      <PolicyFields onChange={setChoice} />
      <button type="submit" class="button small">
        Set
      </button>
    </form>
  );
}
