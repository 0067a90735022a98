// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

// One level of a block of points; out: its features as columns.
template <class P, class T>
void hash_grid(const fastcv::nerf::HashGrid& grid, int level, const fastcv::nerf::GridBlock<P>& block, const T* table,
               P* out);

// Adds to the gradient by one level's entries, point after point.
template <class P>
void hash_grid_table_vjp(const fastcv::nerf::HashGrid& grid, int level, const fastcv::nerf::GridBlock<P>& block,
                         P* out);

// out: (count, dims).
template <class P, class T>
void hash_grid_points_vjp(const fastcv::nerf::HashGrid& grid, const fastcv::nerf::GridBlock<P>& block, const T* table,
                          P* out);

}  // namespace fastcv::FASTCV_ISA::nerf
