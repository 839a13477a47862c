/** Names by number, in the order in which they came up. */
export class Names {
  readonly #all: string[] = [];
  readonly #numbers = new Map<string, number>();

  get all(): readonly string[] {
    return this.#all;
  }

  /** A name that is new gets the next number. */
  indexOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#all.length);
    return this.#all.push(name) - 1;
  }

  /** -1 for a name that never came up. */
  find(name: string): number {
    return this.#numbers.get(name) ?? -1;
  }
}
