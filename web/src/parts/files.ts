// Files that somebody chooses.

/** The files that were chosen; the input is emptied, or choosing the same ones again would be no change. */
export function takeFiles(input: HTMLInputElement): File[] {
  // Copied first: the list is emptied along with its input.
  const files = [...(input.files ?? [])];
  input.value = "";
  return files;
}
