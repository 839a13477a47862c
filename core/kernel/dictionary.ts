/** The texts of a segment, each stored and hashed once. */

import { hashedText, type Digest, type HashedText } from './digest.ts';

/** Texts by their numbers. Number 0 stands for a text that is absent. */
export class Dictionary {
  readonly #texts: string[];
  readonly #hashed: HashedText[] = [hashedText('')];
  readonly #ids = new Map<string, number>();

  constructor(texts: readonly string[] = ['']) {
    this.#texts = [...texts];
  }

  /**
   * The number of a text, which is also taken into the digest.
   *
   * @param guess  one that it may well have, which is tried before it is looked up
   */
  add(text: string, guess: number, digest: Digest): number {
    let id = guess !== 0 && this.#texts[guess] === text ? guess : this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.length;
      this.#texts.push(text);
      this.#hashed.push(hashedText(text));
      this.#ids.set(text, id);
    }
    digest.text(this.#hashed[id] as HashedText);
    return id;
  }

  text(id: number): string {
    return this.#texts[id] as string;
  }

  all(): readonly string[] {
    return [...this.#texts];
  }
}
