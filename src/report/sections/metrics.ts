import { change, interval, metricName, pValue, score } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'

/** Every metric of base and adapter, and the difference with its interval. */
export const metricsSection: SectionMaker = ({ metrics, difference, whole, metric }) => {
  if (!metrics) return undefined
  const specs = Object.keys(metrics.base)
  const { base, adapted } = metrics
  const table: Table = {
    caption: adapted ? 'Every metric of the base and of the adapter' : 'Every metric of the base',
    head: [
      'metric',
      'base',
      ...(adapted ? ['adapted', 'difference'] : []),
      ...(difference ? ['95 % interval', 'p'] : []),
    ],
    rows: specs.map(spec => [
      metricName(spec),
      score(base[spec]),
      ...(adapted ? [score(adapted[spec]), change(adapted[spec] - base[spec])] : []),
      ...(difference ? [interval(difference[spec]), pValue(difference[spec].p)] : []),
    ]),
  }
  const systems = adapted ? (['base', 'adapted'] as const) : (['base'] as const)
  const bars: Figure = {
    caption: adapted ? 'Mean over the queries, base and adapter.' : 'Mean over the queries.',
    legend: systems.map(label => ({ label, color: COLORS[label] })),
    table: difference ? undefined : table,
    draw: (plot, width) => ({
      height: 44 + specs.length * (systems.length * 13 + 8),
      marginLeft: 92,
      marginRight: 44,
      x: { domain: [0, 1], grid: true, label: null, ticks: width < 500 ? 3 : 5 },
      y: { axis: null, domain: [...systems], padding: 0.08 },
      fy: { domain: specs.map(metricName), label: null, axis: 'left', padding: 0.22 },
      marks: systems.flatMap(system => {
        const rows = specs.map(spec => ({ spec: metricName(spec), value: metrics[system]![spec], system }))
        return [
          plot.barX(rows, { x: 'value', y: 'system', fy: 'spec', fill: COLORS[system] }),
          plot.text(rows, {
            ...{ x: 'value', y: 'system', fy: 'spec', dx: 4, textAnchor: 'start' as const },
            text: ({ value }: { value: number }) => score(value),
          }),
        ]
      }),
    }),
  }
  const gains: Figure | undefined = difference && {
    caption: 'Adapter minus base with the 95 % bootstrap interval; what touches the line of zero may be chance.',
    table,
    draw: (plot, width) => {
      const rows = specs.map(spec => ({ spec: metricName(spec), ...difference[spec] }))
      const color = ({ low, high }: { low: number; high: number }) =>
        low > 0 ? COLORS.better : high < 0 ? COLORS.worse : COLORS.same
      return {
        height: 44 + specs.length * 26,
        marginLeft: 92,
        marginRight: 20,
        x: { grid: true, label: null, tickFormat: '+.2f', ticks: width < 500 ? 4 : 8 },
        y: { domain: specs.map(metricName), label: null, tickSize: 0 },
        marks: [
          plot.ruleX([0], { strokeWidth: 1.5 }),
          plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'spec', stroke: color, strokeWidth: 3, strokeLinecap: 'round' }),
          plot.dot(rows, { x: 'mean', y: 'spec', fill: color, r: 5 }),
        ],
      }
    },
  }
  const given =
    whole &&
    `The base with all its ${whole.dimensions} dimensions scores ${metricName(metric)} ${score(whole.metrics[metric])}.`
  return {
    id: 'metrics',
    title: 'Metrics',
    blocks: [
      { type: 'figure', figure: bars },
      ...(gains ? [{ type: 'figure', figure: gains } as const] : []),
      ...(given ? [{ type: 'text', text: given } as const] : []),
    ],
  }
}
