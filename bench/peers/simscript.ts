/**
 * simscript: a process for each entity, and a Queue of one place. It is made for browsers: every quarter of a second it waits
 * for a frame of the screen.
 */

import { gapsIn, weighed, type Engine, type Outcome } from './work.ts';

/** What is used of it; the package need not be installed. */
interface Simscript {
  readonly Simulation: new () => {
    timeEnd: number | null;
    readonly timeNow: number;
    readonly finished: { addEventListener(listener: () => void): void };
    start(reset: boolean): Promise<void>;
    activate(entity: object): Promise<number>;
    onStarting(): void;
  };
  readonly Entity: new () => {
    delay(ms: number): Promise<number>;
    enterQueue(queue: object): Promise<number>;
    leaveQueue(queue: object): void;
    script(): Promise<void>;
  };
  readonly Queue: new (name: string, capacity: number) => object;
}

const PACKAGE: string = 'simscript';
const { Simulation, Entity, Queue } = (await import(PACKAGE)) as Simscript;
Object.assign(globalThis, { requestAnimationFrame: setImmediate });

export const simscript: Engine = {
  hold(work) {
    const { pending, untilMs } = work;
    const gapOf = gapsIn(work);
    const simulation = new Simulation();
    simulation.timeEnd = untilMs;
    let [events, clockMs, sum] = [0, 0, 0];
    class Holding extends Entity {
      readonly #id: number;
      constructor(id: number) {
        super();
        this.#id = id;
      }
      override async script() {
        const id = this.#id;
        for (;;) {
          await this.delay(gapOf(id));
          const nowMs = simulation.timeNow;
          if (nowMs > untilMs) return;
          events++;
          clockMs = nowMs;
          sum = (sum + weighed(nowMs, id)) | 0;
        }
      }
    }
    return run(
      simulation,
      () => {
        for (let id = 0; id < pending; id++) void simulation.activate(new Holding(id));
      },
      () => ({ events, clockMs, sum: sum >>> 0 }),
    );
  },

  station({ gapsMs, customers }) {
    const simulation = new Simulation();
    const server = new Queue('server', 1);
    let [events, clockMs, sum] = [0, 0, 0];
    class Customer extends Entity {
      readonly #serviceMs: number;
      constructor(serviceMs: number) {
        super();
        this.#serviceMs = serviceMs;
      }
      override async script() {
        const arrivedMs = simulation.timeNow;
        events++;
        await this.enterQueue(server);
        sum += simulation.timeNow - arrivedMs;
        await this.delay(this.#serviceMs);
        this.leaveQueue(server);
        events++;
        clockMs = simulation.timeNow;
      }
    }
    class Door extends Entity {
      override async script() {
        for (let customer = 0; customer < customers; customer++) {
          await this.delay(gapsMs[2 * customer] as number);
          void simulation.activate(new Customer(gapsMs[2 * customer + 1] as number));
        }
      }
    }
    return run(
      simulation,
      () => void simulation.activate(new Door()),
      () => ({ events, clockMs, sum }),
    );
  },
};

/** The simulation goes on by itself until it has finished. */
function run(
  simulation: InstanceType<Simscript['Simulation']>,
  ready: () => void,
  result: () => Omit<Outcome, 'seconds'>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let from = 0;
    simulation.onStarting = () => {
      ready();
      from = performance.now();
    };
    simulation.finished.addEventListener(() => resolve({ ...result(), seconds: (performance.now() - from) / 1000 }));
    void simulation.start(true);
  });
}
