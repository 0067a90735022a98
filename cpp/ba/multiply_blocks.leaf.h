// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. Products of blocks laid out by block_index() with vectors.
namespace fastcv::FASTCV_ISA::ba {

// y += the sum of block b times x of others[b], over `count` blocks (columns, columns) one after the other; x has
// `columns` entries of each image.
void multiply_blocks(int columns, const double* blocks, const std::int32_t* others, std::int64_t count, const double* x,
                     double* y);
// The same with transposed blocks that lie anywhere: those at blocks + places[b] columns².
void multiply_transposed_blocks(int columns, const double* blocks, const std::int64_t* places,
                                const std::int32_t* others, std::int64_t count, const double* x, double* y);

}  // namespace fastcv::FASTCV_ISA::ba
