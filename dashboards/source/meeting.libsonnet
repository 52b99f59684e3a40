// One meeting, from 60 minutes before it to its end: who will not be there, and why.
function(lib)
  local t = lib.t;
  local states = ['ready', 'degraded', 'not_ready', 'unknown', 'excused'];
  local count(state, description) = lib.count(
    lib.words.verdicts[state],
    description,
    3,
    5,
    'max(bridge_meeting_sites{meeting="$meeting", state="%s"})' % state,
    lib.colour[state]
  );
  lib.dashboard(
    'nhipcau-meeting',
    t('Nhịp Cầu: Cuộc họp', 'Nhịp Cầu: Meeting'),
    t('Một cuộc họp, từ 60 phút trước giờ họp đến khi kết thúc: ai chưa họp được, vì sao.',
      'One meeting, from 60 minutes before it to its end: who will not be there, and why.'),
    [
      [
        lib.stat(
          t('Còn lại', 'Time left'),
          t('Thời gian còn lại đến giờ họp. Vàng: dưới 15 phút. Cam: dưới 5 phút.', 'Time until the start. Amber: less than 15 minutes. Orange: less than 5.'),
          9,
          5,
          'dthms',
          [lib.now(
            'max by (title) (bridge:meeting_starts_in_seconds{meeting="$meeting"} * on (meeting) group_left (title) max by (meeting, title) (bridge_meeting_info))',
            '{{title}}'
          )],
          {
            mappings: lib.words.countdown_mappings,
            thresholds: lib.steps([[null, lib.colour.not_ready], [300, lib.colour.degraded], [900, lib.colour.calm]]),
          },
          { textMode: 'value_and_name', text: { titleSize: 20, valueSize: 36 } },
        ),
        count('ready', t('Có đủ mọi thứ cuộc họp này cần.', 'They have all that this meeting needs.')),
        count('degraded', t('Họp được nhưng kém.', 'They can meet, but less well.')),
        count('not_ready', t('Biết rõ có thứ hỏng. Gọi trước.', 'Something is known to fail. Call these first.')),
        count('unknown', t('Không có số liệu mới: máy tắt hoặc mất mạng.', 'No fresh evidence: switched off or cut off.')),
        count('excused', t('Vắng đã thống nhất hoặc đang bảo trì.', 'Agreed absence or maintenance.')),
      ],
      [
        lib.table(
          t('Chưa chắc có mặt, nặng nhất ở trên', 'Not to be counted on, worst first'),
          t('Điểm cầu của cuộc họp chưa sẵn sàng, không rõ hoặc hạn chế, mỗi dòng một lý do. Trống là mọi nơi đã sẵn sàng hoặc chưa đến 60 phút trước giờ họp.',
            'Sites of the meeting that are not ready, unknown or degraded, a line for each reason. Empty: all are ready, or the meeting is more than 60 minutes ahead.'),
          24,
          13,
          [lib.rows(|||
            max by (site, capability, reason) (bridge_ready_reason)
                * on (site) group_left (name, area, uplink) (
                  (%(state)s) * on (site) group_left (name, area, uplink) max by (site, name, area, uplink) (bridge_info) >= 2
                )
              or
                ((%(state)s) * on (site) group_left (name, area, uplink) max by (site, name, area, uplink) (bridge_info) >= 2
                  unless on (site) bridge_ready_reason)
          ||| % { state: lib.verdict('bridge_meeting_site_state', 'site', 'meeting="$meeting"') })],
          [
            lib.column_verdict(),
            lib.column_site,
            lib.column_area,
            lib.column_capability,
            lib.column_reason,
            lib.column_uplink,
            lib.column('site', t('Mã', 'Id'), lib.hidden),
          ],
          sort=t('Trạng thái', 'State'),
        ),
      ],
      [
        lib.series(
          t('Điểm cầu của cuộc họp theo trạng thái', 'Sites of the meeting by state'),
          t('Từ 60 phút trước giờ họp đến khi kết thúc; trước và sau đó không tính.', 'From 60 minutes before the start to the end; nothing before or after.'),
          14,
          9,
          'short',
          [lib.over_time('max by (state) (bridge_meeting_sites{meeting="$meeting", state="%s"})' % state, '{{state}}') for state in states],
          { min: 0, decimals: 0, custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 70, showPoints: 'never', stacking: { mode: 'normal', group: 'A' } } },
          lib.verdict_series,
        ),
        lib.bars(
          t('Điều gì ngăn cản', 'What stands in the way'),
          t('Số điểm cầu của cuộc họp theo lý do, nhiều nhất ở trên. Trống là không có gì.', 'Sites of the meeting by reason, most first. Empty: nothing.'),
          10,
          9,
          'short',
          [lib.now(|||
            topk(8, count by (reason) (
              bridge_ready_reason and on (site) (bridge_meeting_site_state{meeting="$meeting", state=~"not_ready|unknown|degraded"} == 1)
            ))
          |||, '{{reason}}')],
          { decimals: 0, noValue: t('Không có gì ngăn cản', 'Nothing stands in the way') },
          [{ matcher: { id: 'byName', options: code }, properties: [lib.property('displayName', lib.words.reasons[code])] } for code in std.objectFields(lib.words.reasons)],
        ),
      ],
    ],
    [
      lib.variable(
        'meeting',
        t('Cuộc họp', 'Meeting'),
        'query_result(max by (meeting, title) (bridge_meeting_info))',
        regex='/meeting="(?<value>[^"]+)".*title="(?<text>[^"]*)"/'
      ),
    ],
    from='now-2h',
    refresh='10s',
  )
