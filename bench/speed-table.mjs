// The section of docs/performance.md that bench/speed.json gives.

const ms = value => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
const times = value => (value < 1 ? `**${value.toFixed(2)}x**` : `${value.toFixed(2)}x`)
const size = value => value.toLocaleString('en-US')

/** Lines of Markdown: steps against PyTorch, epochs against LlamaIndex's loop, whole runs against the reference recipe. */
export function speedSection({ date, machine, load, seconds, cpu, torch, steps, whole }) {
  const rows = steps.filter(row => row.timesFasterThanStacked !== undefined)
  const peer = row => steps.find(other => other.engine === 'torch:stacked' && other.dim === row.dim && other.batch === row.batch)
  const epochs = steps.filter(row => row.timesFasterThanLlamaindex !== undefined)
  const loop = row => steps.find(other => other.engine === 'torch:llamaindex' && other.dim === row.dim)
  const slower = rows.filter(row => row.timesFasterThanStacked < 1)
  const verdict =
    slower.length === 0
      ? 'PyTorch is slower at every size.'
      : `PyTorch is faster at ${slower.map(row => `${size(row.dim)} dimensions with a batch of ${size(row.batch)}`).join(', ')}.`
  return [
    `Measured by \`npm run bench:speed\` on ${date} (${seconds} s; load average ${load.before} before, ${load.after} after): ${machine.cpu}, ${machine.threads} threads, no GPU.`,
    `Ours: ${cpu}, Node.js ${machine.node.slice(1)}. PyTorch ${torch.version}: ${torch.blas}.`,
    '',
    "Milliseconds per training step, medians of alternating rounds. PyTorch's is what a careful user writes by hand. The ratio is of times, so",
    'above 1 ours is faster.',
    '',
    '| dimensions | batch | `cpu` engine | PyTorch | ratio |',
    '|--:|--:|--:|--:|--:|',
    ...rows.map(
      row =>
        `| ${size(row.dim)} | ${size(row.batch)} | ${ms(row.msPerStep)} | ${ms(peer(row).msPerStep)} | ${times(row.timesFasterThanStacked)} |`,
    ),
    '',
    verdict,
    '',
    "Seconds per epoch of 10,000 pairs, ours at its default batch and LlamaIndex's loop (re-created in PyTorch) at its own of 10:",
    '',
    "| dimensions | `cpu` engine | LlamaIndex's loop | ratio |",
    '|--:|--:|--:|--:|',
    ...epochs.map(
      row =>
        `| ${size(row.dim)} | ${ms(row.secondsPerEpoch)} | ${ms(loop(row).secondsPerEpoch)} | ${times(row.timesFasterThanLlamaindex)} |`,
    ),
    ...(whole
      ? [
          '',
          `Seconds of a whole run, options chosen by cross-validation, against the reference recipe in NumPy (${whole.blas}):`,
          '',
          '| vectors | adapter-train | recipe | ratio |',
          '|---|--:|--:|--:|',
          ...whole.rows.map(row => `| ${row.set} | ${ms(row.ours)} | ${ms(row.recipe)} | ${times(row.ratio)} |`),
        ]
      : []),
  ].join('\n')
}
