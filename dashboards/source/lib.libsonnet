// What all dashboards have in common: one function for each kind of panel, variable and link.
// `local lib = import 'lib.libsonnet'`, then `lib('vi')` or `lib('en')` is the tool box of a language.
function(language)
  assert std.member(['vi', 'en'], language) : 'no language ' + language;
  {
    local lib = self,

    // Every text that people read goes through here, so that none can be forgotten.
    t(vi, en)::
      assert vi != '' && en != '' : 'a text is missing: ' + vi + ' / ' + en;
      if language == 'vi' then vi else en,

    words:: (import 'words.libsonnet')(lib.t),

    // Okabe and Ito's colours: told apart by colour-blind people, and never without sign and word.
    colour:: {
      ready: '#0072B2',
      degraded: '#E69F00',
      not_ready: '#D55E00',
      unknown: '#808080',
      excused: '#CC79A7',
      // A count of nothing calls for no attention.
      calm: '#3D4450',
    },

    no_data:: lib.t('KHÔNG CÓ SỐ LIỆU', 'NO DATA'),

    // ---- dashboards

    dashboard(uid, title, description, rows, variables=[], from='now-6h', refresh='30s'):: {
      uid: uid,
      title: title,
      description: description,
      tags: ['nhipcau'],
      schemaVersion: 39,
      version: 1,
      editable: false,
      graphTooltip: 1,
      refresh: refresh,
      time: { from: from, to: 'now' },
      timezone: 'browser',
      weekStart: 'monday',
      fiscalYearStartMonth: 0,
      liveNow: false,
      links: [{
        type: 'dashboards',
        title: lib.t('Nhịp Cầu: các trang', 'Nhịp Cầu: pages'),
        tags: ['nhipcau'],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: lib.t('Giữ nguyên thời gian và bộ lọc', 'Keeps time and filters'),
        url: '',
      }],
      templating: { list: [lib.datasource] + variables },
      annotations: { list: [lib.meetings, lib.incidents] },
      panels: lib.placed(rows),
    },

    // Rows of panels, each as wide and high as it says, one row below the other.
    placed(rows)::
      local heights = [std.foldl(function(most, panel) std.max(most, panel.gridPos.h), row, 0) for row in rows];
      std.mapWithIndex(
        function(index, panel) panel { id: index + 1 },
        std.flattenArrays([
          local y = std.foldl(function(sum, height) sum + height, heights[:index], 0);
          [
            local x = std.foldl(function(sum, panel) sum + panel.gridPos.w, rows[index][:place], 0);
            assert x + rows[index][place].gridPos.w <= 24 : 'wider than 24: ' + rows[index][place].title;
            rows[index][place] { gridPos+: { x: x, y: y } }
            for place in std.range(0, std.length(rows[index]) - 1)
          ]
          for index in std.range(0, std.length(rows) - 1)
        ])
      ),

    // ---- variables

    source:: { type: 'prometheus', uid: '${datasource}' },

    datasource:: {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      refresh: 1,
      hide: 0,
      includeAll: false,
      multi: false,
      regex: '',
      options: [],
      current: {},
    },

    // `regex` with the groups `value` and `text` shows names and keeps ids.
    variable(name, label, query, regex='', many=false, description=''):: {
      name: name,
      label: label,
      description: description,
      type: 'query',
      datasource: lib.source,
      query: { query: query, refId: 'variable-' + name, qryType: if std.startsWith(query, 'query_result') then 3 else 1 },
      definition: query,
      regex: regex,
      refresh: 2,
      sort: 5,
      hide: 0,
      multi: many,
      includeAll: many,
      // Everything, also what has no such label.
      allValue: if many then '.*' else null,
      skipUrlSync: false,
      options: [],
      current: if many then { selected: true, text: 'All', value: '$__all' } else {},
    },

    // Those that hold sites, by their names.
    area:: lib.variable(
      'area',
      lib.t('Địa bàn', 'Area'),
      'query_result(max by (name, area) (bridge_area_info and on (area) bridge_info))',
      regex='/area="(?<value>[^"]*)".*name="(?<text>[^"]*)"/',
      many=true
    ),
    uplink:: lib.variable('uplink', lib.t('Đường truyền', 'Uplink'), 'label_values(bridge_info{area=~"$area"}, uplink)', many=true),
    site:: lib.variable(
      'site',
      lib.t('Điểm cầu', 'Site'),
      'query_result(max by (name, site) (bridge_info{area=~"$area"}))',
      regex='/name="(?<text>[^"]*)".*site="(?<value>[^"]+)"/'
    ),

    // ---- annotations

    annotation(name, colour, expr, title, text):: {
      name: name,
      datasource: lib.source,
      enable: true,
      hide: false,
      iconColor: colour,
      expr: expr,
      step: '60s',
      titleFormat: title,
      textFormat: text,
      tagKeys: '',
    },

    // Grafana draws a region while the value is at least 1.
    meetings:: lib.annotation(
      lib.t('Cuộc họp', 'Meetings'),
      lib.colour.ready,
      'max by (meeting, title) (bridge:meeting_starts_in_seconds * on (meeting) group_left (title) max by (meeting, title) (bridge_meeting_info) <= 0) * 0 + 1',
      '{{title}}',
      lib.t('Cuộc họp đang diễn ra', 'The meeting takes place'),
    ),
    incidents:: lib.annotation(
      lib.t('Sự cố đường truyền', 'Incidents of uplinks'),
      lib.colour.not_ready,
      'max by (uplink, area) (bridge_incident_sites) > 0',
      lib.t('Sự cố {{uplink}}{{area}}', 'Incident of {{uplink}}{{area}}'),
      lib.t('Nhiều điểm cầu cùng mất mạng', 'Several sites lost the network together'),
    ),

    // ---- queries

    // What is counted by area, with what people call it; an area that nobody names goes by its id.
    area_named(expr)::
      local names = 'label_join(max by (area, name) (bridge_area_info), "area_name", "", "name")';
      '(%s) * on (area) group_left (area_name) %s or on (area) label_join(%s, "area_name", "", "area")' % [expr, names, expr],

    // The state now, as rows of a table or as one number.
    now(expr, legend=''):: { expr: expr, legendFormat: legend, instant: true, range: false, format: 'time_series' },
    rows(expr):: { expr: expr, legendFormat: '', instant: true, range: false, format: 'table' },
    over_time(expr, legend):: { expr: expr, legendFormat: legend, instant: false, range: true, format: 'time_series' },
    buckets(expr):: { expr: expr, legendFormat: '{{le}}', instant: false, range: true, format: 'heatmap' },

    // The verdict (or another set of states) of whatever the labels keep apart, as one number.
    verdict(metric, by, matchers)::
      'sum by (%s) (%s)' % [by, std.join(' or ', [
        '%s{%s, state="%s"} * %d' % [metric, matchers, state, lib.words.verdict_number[state]]
        for state in std.objectFields(lib.words.verdict_number)
      ])],

    // Known to be none, which is not the same as not knowing: the collector answers.
    no_meeting:: 'absent(bridge_meeting_info) * 1e9 and on () max(up{job="nhipcau"}) == 1',

    // ---- panels

    panel(type, title, description, width, height, unit, targets, options={}, defaults={}, overrides=[], transformations=[]):: {
      type: type,
      title: title,
      description: description,
      datasource: lib.source,
      gridPos: { w: width, h: height },
      targets: std.mapWithIndex(
        function(index, target) target { refId: std.char(std.codepoint('A') + index), datasource: lib.source },
        targets
      ),
      options: options,
      fieldConfig: { defaults: { unit: unit, noValue: lib.no_data } + defaults, overrides: overrides },
      transformations: transformations,
    },

    stat(title, description, width, height, unit, targets, defaults={}, options={}, overrides=[])::
      lib.panel('stat', title, description, width, height, unit, targets, {
        colorMode: 'background',
        graphMode: 'none',
        justifyMode: 'center',
        orientation: 'auto',
        textMode: 'auto',
        wideLayout: true,
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      } + options, {
        color: { mode: 'thresholds' },
        thresholds: lib.steps([[null, lib.colour.calm]]),
        mappings: [lib.words.no_data(lib.no_data)],
      } + defaults, overrides),

    // A number that is calm at nothing and takes its colour from one on.
    count(title, description, width, height, expr, colour)::
      lib.stat(title, description, width, height, 'short', [lib.now(expr)], {
        thresholds: lib.steps([[null, lib.colour.calm], [1, colour]]),
        decimals: 0,
      }),

    table(title, description, width, height, targets, columns, transformations=[], sort=null, unit='short')::
      lib.panel(
        'table',
        title,
        description,
        width,
        height,
        unit,
        targets,
        { showHeader: true, cellHeight: 'sm', footer: { show: false } }
        + (if sort == null then {} else { sortBy: [{ displayName: sort, desc: true }] }),
        {
          custom: { align: 'auto', filterable: false, inspect: false },
          // Where the description says what an empty table means, emptiness is no fault.
          noValue: if std.length(std.findSubstr(lib.t('Trống', 'Empty'), description)) > 0 || std.length(std.findSubstr('trống', description)) > 0
          then lib.t('Không có dòng nào', 'Nothing to list')
          else lib.no_data,
        },
        [column.override for column in columns if std.length(column.override.properties) > 0],
        transformations + [{
          id: 'organize',
          options: {
            // What is not a column here is not shown.
            excludeByName: {
              [label]: true
              for label in ['Time', '__name__', 'instance', 'job', 'area', 'area_name', 'capability', 'device', 'meeting', 'name', 'probe', 'provider', 'reason', 'site', 'title', 'uplink']
              if !std.member([column.field for column in columns], label)
            },
            indexByName: std.foldl(function(all, column) all { [column.field]: std.length(all) }, columns, {}),
            renameByName: { [column.field]: column.title for column in columns },
            includeByName: {},
          },
        }]
      ),

    // One column of a table: the label or `Value` it shows, under which heading.
    column(field, title, properties=[]):: {
      field: field,
      title: title,
      override: { matcher: { id: 'byName', options: title }, properties: properties },
    },

    property(id, value):: { id: id, value: value },
    unit(unit):: lib.property('unit', unit),
    width(pixels):: lib.property('custom.width', pixels),
    mapped(mappings):: lib.property('mappings', mappings),
    coloured:: lib.property('custom.cellOptions', { type: 'color-background', mode: 'basic' }),
    limits(steps):: lib.property('thresholds', lib.steps(steps)),
    links(links):: lib.property('links', links),
    left:: lib.property('custom.align', 'left'),
    centred:: lib.property('custom.align', 'center'),
    // Links use its value. Grafana 13 asks for `hideFrom`, those before for `hidden`.
    hidden:: [lib.property('custom.hidden', true), lib.property('custom.hideFrom', { viz: true, legend: false, tooltip: false })],

    series_style:: { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false },

    series(title, description, width, height, unit, targets, defaults={}, overrides=[])::
      lib.panel('timeseries', title, description, width, height, unit, targets, {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
        tooltip: { mode: 'multi', sort: 'desc' },
      }, {
        color: { mode: 'palette-classic' },
        custom: lib.series_style,
      } + defaults, overrides),

    // States over time; gaps stay gaps.
    timeline(title, description, width, height, targets, mappings)::
      lib.panel('state-timeline', title, description, width, height, 'none', targets, {
        mergeValues: true,
        showValue: 'auto',
        alignValue: 'left',
        rowHeight: 0.85,
        legend: { displayMode: 'list', placement: 'bottom', showLegend: false },
        tooltip: { mode: 'single', sort: 'none' },
      }, {
        color: { mode: 'thresholds' },
        thresholds: lib.steps([[null, lib.colour.unknown]]),
        custom: { lineWidth: 0, fillOpacity: 85, spanNulls: false, insertNulls: false },
        mappings: mappings,
      }),

    // Times as smoke: the more a cell stands out, the more took that long.
    smoke(title, description, width, height, expr)::
      lib.panel('heatmap', title, description, width, height, 's', [lib.buckets(expr)], {
        calculate: false,
        cellGap: 0,
        color: { mode: 'scheme', scheme: 'Blues', steps: 64, exponent: 0.5, fill: 'dark-blue', scale: 'exponential', reverse: false },
        yAxis: { axisPlacement: 'left', unit: 's', reverse: false },
        cellValues: { unit: 'short' },
        filterValues: { le: 1e-9 },
        rowsFrame: { layout: 'auto' },
        tooltip: { mode: 'single', yHistogram: false, showColorScale: false },
        legend: { show: true },
        showValue: 'never',
      }),

    bars(title, description, width, height, unit, targets, defaults={}, overrides=[], options={})::
      lib.panel('bargauge', title, description, width, height, unit, targets, {
        displayMode: 'basic',
        orientation: 'horizontal',
        showUnfilled: true,
        valueMode: 'color',
        namePlacement: 'auto',
        sizing: 'auto',
        minVizHeight: 16,
        minVizWidth: 8,
        maxVizHeight: 40,
        text: { titleSize: 14, valueSize: 18 },
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      } + options, { color: { mode: 'thresholds' }, thresholds: lib.steps([[null, lib.colour.ready]]), min: 0 } + defaults, overrides),

    // ---- thresholds, colours of series, links

    steps(list):: { mode: 'absolute', steps: [{ value: step[0], color: step[1] } for step in list] },

    // A series of this name always has this colour, and sign and word in place of the name.
    named(name, title, colour):: {
      matcher: { id: 'byName', options: name },
      properties: [lib.property('displayName', title), lib.property('color', { mode: 'fixed', fixedColor: colour })],
    },
    verdict_series:: [
      lib.named(state, lib.words.verdicts[state], lib.colour[state])
      for state in ['ready', 'degraded', 'not_ready', 'unknown', 'excused']
    ],

    // Leads on and keeps data source, time and area; `rest` are further variables.
    link(title, uid, rest=''):: {
      title: title,
      url: '/d/%s?${__url_time_range}&${datasource:queryparam}%s' % [uid, rest],
      targetBlank: false,
    },
    to_site:: lib.links([lib.link(
      lib.t('Mở điểm cầu', 'Open the site'),
      'nhipcau-site',
      '&var-area=$__all&var-site=${__data.fields.site}'
    )]),
    to_area:: lib.links([lib.link(lib.t('Mở địa bàn', 'Open the area'), 'nhipcau-area', '&var-area=${__data.fields.area}')]),
    to_uplink:: lib.links([lib.link(
      lib.t('Mở đường truyền', 'Open the uplink'),
      'nhipcau-network',
      '&var-area=$__all&var-uplink=${__data.fields.uplink}'
    )]),
    to_meeting:: lib.links([lib.link(
      lib.t('Mở cuộc họp', 'Open the meeting'),
      'nhipcau-meeting',
      '&var-meeting=${__data.fields.meeting}'
    )]),

    // Columns that many tables have.
    column_site:: lib.column('name', lib.t('Điểm cầu', 'Site'), [lib.to_site]),
    column_id:: lib.column('site', lib.t('Mã', 'Id'), [lib.width(90)]),
    column_area:: lib.column('area', lib.t('Địa bàn', 'Area'), [lib.to_area, lib.width(120), lib.property('noValue', '–')]),
    // Of what is counted by area.
    columns_area:: [
      lib.column('area_name', lib.t('Địa bàn', 'Area'), [lib.to_area]),
      lib.column('area', lib.t('Mã', 'Id'), lib.hidden),
    ],
    column_uplink:: lib.column('uplink', lib.t('Đường truyền', 'Uplink'), [lib.to_uplink, lib.width(150), lib.property('noValue', '–')]),
    column_capability:: lib.column('capability', lib.t('Hạng mục', 'Capability'), [lib.mapped(lib.words.capability_mappings), lib.width(130), lib.property('noValue', '–')]),
    column_reason:: lib.column('reason', lib.t('Lý do', 'Reason'), [lib.mapped(lib.words.reason_mappings)]),
    column_verdict(field='Value'):: lib.column(
      field,
      lib.t('Trạng thái', 'State'),
      [lib.mapped(lib.words.verdict_mappings), lib.coloured, lib.left, lib.width(145)]
    ),

    // Sites that fail together: call the carrier before any of them.
    common_causes(width, height):: lib.table(
      lib.t('Sự cố dùng chung, ngay bây giờ', 'Common causes, now'),
      lib.t('Nhiều điểm cầu cùng mất mạng sau một đường truyền, hoặc trong một địa bàn nếu không rõ đường truyền. Gọi nhà mạng trước, chưa cần gọi từng nơi. Trống là không có.',
            'Sites that lost the network together behind one uplink, or in an area where none is known. Call the carrier before single sites. Empty: none.'),
      width,
      height,
      [lib.rows('max by (uplink, area) (bridge_incident_sites{area=~"$area", uplink=~"$uplink"})')],
      [
        lib.column('Value', lib.t('✖ Điểm cầu', '✖ Sites'), [lib.coloured, lib.limits([[null, lib.colour.not_ready]]), lib.width(105)]),
        lib.column('uplink', lib.t('Đường truyền', 'Uplink'), [lib.to_uplink, lib.property('noValue', '–')]),
        lib.column_area,
      ],
      sort=lib.t('✖ Điểm cầu', '✖ Sites'),
    ),

    // The share of something: a bar in a table's cell. Under 98 % somebody misses each meeting of 50.
    share:: [
      lib.unit('percentunit'),
      lib.property('decimals', 1),
      lib.property('min', 0),
      lib.property('max', 1),
      lib.property('custom.cellOptions', { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' }),
      lib.limits([[null, lib.colour.not_ready], [0.9, lib.colour.degraded], [0.98, lib.colour.ready]]),
    ],
  }
