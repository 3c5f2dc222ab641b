// Where an element finds a picture or a text: at once by HTTP, after a while by messages.

import { useEffect, useMemo, useState } from "preact/hooks";

import { transport } from "../api/transport.ts";

/** An address for an element; null until there is one, and where there will be none. */
export interface Found {
  address: string | null;
  failed: boolean;
}

/** Where what a path gives is found. */
export function useAddress(path: string): Found {
  const asked = useMemo(() => transport().address(path), [path]);
  const [late, setLate] = useState<Found & { asked: unknown }>({ address: null, failed: false, asked: null });
  useEffect(() => {
    if (typeof asked === "string") return undefined;
    let waited = true;
    const settle = (found: Found) => {
      if (waited) setLate({ ...found, asked });
    };
    asked.then(
      (address) => settle({ address, failed: false }),
      () => settle({ address: null, failed: true }),
    );
    return () => void (waited = false);
  }, [asked]);
  if (typeof asked === "string") return { address: asked, failed: false };
  return late.asked === asked ? late : { address: null, failed: false };
}
