/** Amazon CloudWatch, the part about alarms: which of those that are asked about ring is set from outside. */
import { arn, type Service } from './service.ts';

interface Asked {
  readonly AlarmNames: readonly string[];
  readonly StateValue?: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
}

export class LocalAlarms {
  /** Names of those that ring. */
  readonly ringing = new Set<string>();

  readonly service: Service = {
    DescribeAlarms: ({ AlarmNames, StateValue }: Asked) => {
      const all = AlarmNames.map((AlarmName) => ({
        AlarmName,
        AlarmArn: arn('cloudwatch', `alarm:${AlarmName}`),
        StateValue: this.ringing.has(AlarmName) ? 'ALARM' : 'OK',
      }));
      const asked = all.filter((alarm) => StateValue === undefined || alarm.StateValue === StateValue);
      return { MetricAlarms: asked, CompositeAlarms: [] };
    },
  };
}
