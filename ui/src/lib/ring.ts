/** The latest of what was pushed, bounded by number and by weight. What was pushed first has the number 0, kept or not. */
export class Ring<T> {
  #items: (T | undefined)[];
  #first = 0;
  #next = 0;
  #weight = 0;
  readonly #most: number;
  readonly #heaviest: number;
  readonly #weigh: (item: T) => number;

  constructor(most: number, heaviest: number, weigh: (item: T) => number) {
    this.#items = Array.from({ length: most });
    this.#most = most;
    this.#heaviest = heaviest;
    this.#weigh = weigh;
  }

  /** The number of the oldest that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next one will have. */
  get next(): number {
    return this.#next;
  }

  push(item: T): void {
    this.#weight += this.#weigh(item);
    while (this.#next > this.#first && (this.#next - this.#first >= this.#most || this.#weight > this.#heaviest)) this.#drop();
    this.#items[this.#next % this.#most] = item;
    this.#next += 1;
  }

  at(number: number): T | undefined {
    return number < this.#first || number >= this.#next ? undefined : this.#items[number % this.#most];
  }

  clear(): void {
    while (this.#next > this.#first) this.#drop();
  }

  #drop(): void {
    const place = this.#first % this.#most;
    const item = this.#items[place];
    if (item !== undefined) this.#weight -= this.#weigh(item);
    this.#items[place] = undefined;
    this.#first += 1;
  }
}
