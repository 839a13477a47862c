/**
 * Resonance: the period at which supply swings by itself. Scaling is a loop with dead time: where it answers too much too late, it
 * amplifies swings of one period, or keeps them up under a demand that does not swing at all.
 *
 * Minutes are taken in overlapping stretches (SEGMENT), each without its trend and under a Hann window; the powers of demand and
 * supply at each period are averaged over them. Demand is scaled to the mean supply first, for a policy that keeps spare tasks
 * swings more than demand does and is none the worse for it. Of the periods where supply has at least twice the power of demand
 * (3 dB), resonance is the one where it has the most more. It is a peak: what grows towards slower swings answers slower ones.
 *
 * @source the estimate: P. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
 *         Electroacoust. 15 (1967); resonant peak: K. Ogata, "Modern Control Engineering", frequency response. Their use is ours.
 */

/** Minutes of a stretch, of which the next one begins in the middle: a run that is shorter has no resonance. */
const SEGMENT = 256;
/** Swings in a stretch, from the slowest to the fastest that is looked at: periods from an hour and a half down to four minutes. */
const SLOWEST = 3;
const FASTEST = 64;
/** Power of the supply against that of demand: 3 dB. */
const LEAST_RATIO = 2;
/** Swings of less than half a task either way are those of rounding. */
const LEAST_SWING_TASKS = 0.5;
/** Of a swing of one task either way, under a Hann window: the power of its period and of both neighbours. */
const POWER_OF_A_TASK = (SEGMENT ** 2 * 6) / 64;

export interface ResonanceReport {
  /** Whole seconds; absent where supply swings by no more than demand asks for. */
  readonly periodS?: number;
  /** Tasks by which supply swings more than demand there, to either side of its mean; 0 without a resonance. */
  readonly swingTasks: number;
}

const WINDOW = Array.from({ length: SEGMENT }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / SEGMENT));
const COSINES = Array.from({ length: SEGMENT }, (_, at) => Math.cos((2 * Math.PI * at) / SEGMENT));

export class Resonance {
  readonly #demand: number[] = [];
  readonly #supply: number[] = [];
  readonly #demandPower = new Float64Array(FASTEST + 2);
  readonly #supplyPower = new Float64Array(FASTEST + 2);
  #segments = 0;

  /** The minutes of a run, one after the other. */
  take(demand: number, supply: number): void {
    this.#demand.push(demand);
    this.#supply.push(supply);
    if (this.#demand.length < SEGMENT) return;
    const [asked, given] = [sum(this.#demand), sum(this.#supply)];
    addPowers(this.#supplyPower, this.#supply, 1);
    addPowers(this.#demandPower, this.#demand, asked === 0 ? 0 : given / asked);
    this.#segments++;
    this.#demand.splice(0, SEGMENT / 2);
    this.#supply.splice(0, SEGMENT / 2);
  }

  /** Undefined for a run that is too short to tell. */
  report(): ResonanceReport | undefined {
    if (this.#segments === 0) return undefined;
    const around = (power: Float64Array, swings: number) =>
      (power[swings - 1] as number) + (power[swings] as number) + (power[swings + 1] as number);
    const excessAt = (swings: number) => (this.#supplyPower[swings] as number) - (this.#demandPower[swings] as number);
    let [most, at] = [0, 0];
    for (let swings = SLOWEST; swings <= FASTEST; swings++) {
      const [demand, supply] = [around(this.#demandPower, swings), around(this.#supplyPower, swings)];
      const isPeak = excessAt(swings) >= Math.max(excessAt(swings - 1), excessAt(swings + 1));
      if (!isPeak || supply < LEAST_RATIO * demand || supply - demand <= most) continue;
      [most, at] = [supply - demand, swings];
    }
    const swingTasks = Math.sqrt(most / this.#segments / POWER_OF_A_TASK);
    if (swingTasks < LEAST_SWING_TASKS) return { swingTasks: 0 };
    const excess = [at - 1, at, at + 1].map((swings) => Math.max(0, excessAt(swings)));
    const swings = sum(excess.map((power, index) => power * (at - 1 + index))) / sum(excess);
    return { periodS: Math.round((60 * SEGMENT) / swings), swingTasks };
  }
}

/** Adds the power at each number of swings. */
function addPowers(powers: Float64Array, values: readonly number[], scale: number): void {
  const middle = (SEGMENT - 1) / 2;
  const mean = sum(values) / SEGMENT;
  const slope =
    values.reduce((all, value, at) => all + (at - middle) * value, 0) / ((SEGMENT * (SEGMENT ** 2 - 1)) / 12);
  const flat = values.map((value, at) => scale * (value - mean - slope * (at - middle)) * (WINDOW[at] as number));
  for (let swings = SLOWEST - 1; swings <= FASTEST + 1; swings++) {
    let [real, imaginary] = [0, 0];
    for (let at = 0; at < SEGMENT; at++) {
      const turn = (at * swings) % SEGMENT;
      real += (flat[at] as number) * (COSINES[turn] as number);
      // A sine is a cosine, a quarter of a turn later.
      imaginary += (flat[at] as number) * (COSINES[(turn + (3 * SEGMENT) / 4) % SEGMENT] as number);
    }
    powers[swings] = (powers[swings] as number) + real ** 2 + imaginary ** 2;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
