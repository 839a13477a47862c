/** simjs: timers of one entity, and a Facility. Its package exports nothing; it puts `Sim` onto a browser's `window`. */

import { gapsIn, weighed, type Engine } from './work.ts';

/** What is used of it. */
interface Simjs {
  readonly Sim: new () => {
    addEntity<Added>(kind: new (...args: never[]) => Added): Added;
    simulate(endMs: number, mostEvents: number): boolean;
  };
  readonly Entity: new (...args: never[]) => {
    time(): number;
    setTimer(durationMs: number): Request;
    useFacility(facility: object, durationMs: number): Request;
  };
  readonly Facility: new (name: string) => object;
}
interface Request {
  done(callback: (...args: never[]) => void, context: object, args: readonly number[]): void;
}

const { Sim, Entity, Facility } = await loaded();

class Starter extends Entity {
  start(): void {
    // Nothing happens by itself.
  }
}

export const simjs: Engine = {
  hold(work) {
    const { pending, untilMs } = work;
    const gapOf = gapsIn(work);
    const sim = new Sim();
    const entity = sim.addEntity(Starter);
    let [events, clockMs, sum] = [0, 0, 0];
    const hold = (id: number) => {
      const nowMs = entity.time();
      events++;
      clockMs = nowMs;
      sum = (sum + weighed(nowMs, id)) | 0;
      entity.setTimer(gapOf(id)).done(hold, entity, [id]);
    };
    for (let id = 0; id < pending; id++) entity.setTimer(gapOf(id)).done(hold, entity, [id]);
    const from = performance.now();
    sim.simulate(untilMs, Number.POSITIVE_INFINITY);
    return { events, clockMs, sum: sum >>> 0, seconds: (performance.now() - from) / 1000 };
  },

  station({ gapsMs, customers }) {
    const sim = new Sim();
    const entity = sim.addEntity(Starter);
    const server = new Facility('server');
    let [arrived, events, clockMs, sum] = [0, 0, 0, 0];
    const arrive = () => {
      events++;
      const serviceMs = gapsMs[2 * arrived + 1] as number;
      arrived++;
      entity.useFacility(server, serviceMs).done(leave, entity, [entity.time(), serviceMs]);
      if (arrived < customers) entity.setTimer(gapsMs[2 * arrived] as number).done(arrive, entity, []);
    };
    const leave = (arrivedMs: number, serviceMs: number) => {
      events++;
      clockMs = entity.time();
      sum += clockMs - serviceMs - arrivedMs;
    };
    entity.setTimer(gapsMs[0] as number).done(arrive, entity, []);
    const from = performance.now();
    sim.simulate(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    return { events, clockMs, sum, seconds: (performance.now() - from) / 1000 };
  },
};

async function loaded(): Promise<Simjs> {
  const page: { window?: { Sim?: Simjs } } = globalThis as object;
  page.window = {};
  // @ts-expect-error it has no types
  await import('simjs');
  const { Sim: found } = page.window;
  delete page.window;
  if (found === undefined) throw new Error('simjs did not put Sim onto the window');
  return found;
}
