"""The engine for CPUs: a network's step compiled to machine code, over weights packed for it.

To read it, begin with `kernels`, the compiled step. It calls

    hidden_layer, output_layer      the layers, made of products (`micro_tiles`, `products`) and `gates`
    sampling                        the next id, after `penalties` and `filters`; `logprobs` reports
    fitting                         the ids that leave a text room to fit its pattern, and where it ends

which are written in vectors of sixteen numbers (`lanes`; for numba, `blocks` and `intrinsics`). It works on

    packing                         a version's weights (`quantizing`) as arrays of a `packed_model`
    memory                          a batch's arrays, whose addresses are in `structs` (`filling`)
    automata                        what is looked up in patterns, one table for all sequences that share one

`compiling` turns it into machine code, `code` loads that from `kernel_files`, and `batch` is the engine that calls it,
with the `instructions` that the processor has.
"""
