"""Training a network on a text or on records: truncated backpropagation through time, exactly resumable; knows no files
and no jobs.

To read it, begin with `trainer`, whose loop calls

    data                            what is read: `text` in streams and segments, `prompt`, `shift` (a warning)
    record_data                     the same of records: `grouping` says which are read side by side, `batches` makes
                                    segments of them; `record_split` has said before which are held out
    steps                           one step: `reading`, `optimizer`, `average`, in `precision`; `shards` are a
                                    process's streams on several cores, `parallel` several processes
    pacing                          how many steps a budget has time for, as a `schedule`
    keeping                         the best weights, by `evaluation`; `gradients` and `samples` are for people
    progress, result, state         what is reported, published, and saved to resume

`continuing` makes the first weights from those of another network. `config` (what can be asked for), `defaults`, and
`machine`, which measures its speed for them, come before a run; the first two import no torch.
"""
