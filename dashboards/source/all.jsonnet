// What `jsonnet --multi` writes: each dashboard in Vietnamese, and in English under `en/`.
// Both editions have the same uids, so that links of alerts land in whichever is installed.
local dashboards = {
  overview: import 'overview.libsonnet',
  meeting: import 'meeting.libsonnet',
  area: import 'area.libsonnet',
  site: import 'site.libsonnet',
  network: import 'network.libsonnet',
  equipment: import 'equipment.libsonnet',
  fleet: import 'fleet.libsonnet',
  collector: import 'collector.libsonnet',
  monthly: import 'monthly.libsonnet',
};
local lib = import 'lib.libsonnet';

{ [name + '.json']: dashboards[name](lib('vi')) for name in std.objectFields(dashboards) }
+ { ['en/' + name + '.json']: dashboards[name](lib('en')) for name in std.objectFields(dashboards) }
