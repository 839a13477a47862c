/** Policies and alarms as the log has put them: what their targets, steps and operators are. */

import { policyForScaler, type Event, type MetricAlarm, type PutScalingPolicy } from '../../core/index.ts';
import { aimOfPolicy, type AimOf } from '../report/describe.ts';

/** Hears events in their order. */
export class KnownPolicies {
  readonly #policies = new Map<string, PutScalingPolicy>();
  readonly #alarms = new Map<string, MetricAlarm>();

  hear(event: Event): void {
    if (event.type === 'ScalingPolicyPut') this.#policies.set(event.policyKey, event.config);
    else if (event.type === 'GroupScalingPolicyPut')
      this.#policies.set(event.policyKey, policyForScaler(event.config, event.autoScalingGroupName));
    else if (event.type === 'MetricAlarmPut') this.#alarms.set(event.alarm.alarmName, event.alarm);
  }

  readonly alarmOf = (alarmName: string): MetricAlarm | undefined => this.#alarms.get(alarmName);

  readonly aimOf: AimOf = (policyKey) => aimOfPolicy(this.#policies.get(policyKey));
}
