import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instanceType, instanceTypeNames, membersOf, scaleInVictims, type Instance } from '../../core/ec2/index.ts';
import { HOUR, MINUTE } from '../../core/kernel/index.ts';
import { groupMembers } from '../arbitraries.ts';
import { ec2Room } from '../ec2Room.ts';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];

function group(desired: number, zones: number, max = 30, protectedFromScaleIn = false) {
  const config = { MaxSize: max, DesiredCapacity: desired, NewInstancesProtectedFromScaleIn: protectedFromScaleIn };
  return ec2Room(config, { zones }).simulation;
}

function zoneCounts(simulation: ReturnType<typeof group>, zones: number): number[] {
  const members = membersOf(simulation.world, 'group');
  return ZONES.slice(0, zones).map((zone) => members.filter((member) => member.availabilityZone === zone).length);
}

const sizes = fc.array(fc.record({ minutes: fc.integer({ min: 0, max: 9 }), to: fc.integer({ min: 0, max: 40 }) }), {
  maxLength: 8,
});

test('a group ends at its desired capacity, within its bounds, its zones at most one apart, all in service', () =>
  fc.assert(
    fc.property(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 3 }), sizes, (desired, zones, changes) => {
      const simulation = group(desired, zones);
      let wanted = desired;
      for (const { minutes, to } of changes) {
        simulation.runUntil(simulation.nowMs + minutes * MINUTE);
        simulation.submit(simulation.nowMs, {
          type: 'SetDesiredCapacity',
          autoScalingGroupName: 'group',
          desiredCapacity: to,
        });
        wanted = Math.min(to, 30);
        simulation.runUntil(simulation.nowMs);
        assert.equal(membersOf(simulation.world, 'group').length, wanted);
        const counts = zoneCounts(simulation, zones);
        assert.equal(Math.max(...counts) - Math.min(...counts) <= 1, true, `zones ${counts.join(' ')}`);
      }
      simulation.runUntil(simulation.nowMs + HOUR);
      const members = membersOf(simulation.world, 'group');
      assert.equal(members.length, wanted);
      for (const { state } of members) assert.equal(state, 'InService');
      let launched = 0;
      for (const { atMs, event } of simulation.log) {
        if (event.type !== 'InstanceLaunched') continue;
        launched++;
        assert.equal(event.inServiceAtMs > atMs && event.bootedAtMs >= event.inServiceAtMs, true);
      }
      assert.equal(simulation.world.ec2.nextInstance, launched + 1);
    }),
    { numRuns: 200 },
  ));

test('a protected instance is never picked, and nobody is picked while another zone has more with someone to give', () =>
  fc.assert(
    fc.property(groupMembers, fc.nat({ max: 14 }), (members, count) => {
      const victims = scaleInVictims(members, count) as readonly Instance[];
      const free = members.filter(({ protectedFromScaleIn }) => !protectedFromScaleIn);
      assert.equal(victims.length, Math.min(count, free.length));
      assert.equal(new Set(victims).size, victims.length);
      const left = [...members];
      for (const victim of victims) {
        assert.equal(victim.protectedFromScaleIn, false);
        const sizeOf = (zone: string) => left.filter(({ availabilityZone }) => availabilityZone === zone).length;
        for (const other of left)
          if (!other.protectedFromScaleIn)
            assert.equal(sizeOf(victim.availabilityZone) >= sizeOf(other.availabilityZone), true);
        left.splice(left.indexOf(victim), 1);
      }
    }),
    { numRuns: 2_000 },
  ));

test('when all instances are protected none goes, and the group says so; when one is released it goes', () => {
  const simulation = group(3, 1, 9, true);
  simulation.runUntil(HOUR);
  simulation.submit(HOUR, { type: 'SetDesiredCapacity', autoScalingGroupName: 'group', desiredCapacity: 1 });
  simulation.runUntil(HOUR);
  const { event } = simulation.log.at(simulation.log.length - 1);
  assert.deepEqual(event, { type: 'ScaleInPrevented', autoScalingGroupName: 'group', surplus: 2 });
  const [instance] = membersOf(simulation.world, 'group');
  const { instanceId } = instance!;
  simulation.submit(HOUR, { type: 'SetInstanceProtection', instanceId, protectedFromScaleIn: false });
  simulation.runUntil(2 * HOUR);
  assert.equal(simulation.world.ec2.instances.has(instanceId), false);
  assert.equal(simulation.world.ec2.instances.size, 2);
});

test('the catalogue makes sense: less memory than advertised, a price, one interface for the host', () => {
  assert.equal(instanceTypeNames.length >= 200, true);
  for (const name of instanceTypeNames) {
    const type = instanceType(name)!;
    assert.equal(type.ecsMemoryMiB < type.memoryMiB && type.ecsMemoryMiB > 0.5 * type.memoryMiB, true, name);
    assert.equal(Number.isSafeInteger(type.microUsdPerHour) && type.microUsdPerHour > 0, true, name);
    assert.equal(type.awsvpcTasks, type.maxEnis - 1, name);
    assert.equal((type.awsvpcTasksTrunked ?? Infinity) > type.awsvpcTasks, true, name);
    assert.equal(/^t[234]/.test(name), type.cpuCreditsPerHour !== undefined, name);
    assert.equal((type.cpuCreditsPerHour ?? 0) < 60 * type.vcpu, true, `${name}: a baseline below full speed`);
  }
});
