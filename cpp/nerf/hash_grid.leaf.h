// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

// One level's features of a block of points; there is room for whole tiles.
template <class P, class T>
void hash_grid(const fastcv::nerf::HashGrid& grid, int level, const fastcv::nerf::GridBlock<P>& block, const T* table,
               const fastcv::nerf::GridTiles<P>& out);

// Adds to the gradient by a level's entries, out being that by the table.
template <class P>
void hash_grid_table_vjp(const fastcv::nerf::HashGrid& grid, int level, const fastcv::nerf::GridBlock<P>& block,
                         const fastcv::nerf::GridTiles<const P>& grad, P* out);

// Adds to the gradient by the points, in columns like theirs, what comes of one level.
template <class P, class T>
void hash_grid_points_vjp(const fastcv::nerf::HashGrid& grid, int level, const fastcv::nerf::GridBlock<P>& block,
                          const T* table, const fastcv::nerf::GridTiles<const P>& grad, P* out);

}  // namespace fastcv::FASTCV_ISA::nerf
