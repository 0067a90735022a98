// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. Eliminating the points leaves the reduced system S x = b of the
// images' columns, S = U - W V⁻¹ Wᵀ; with the Jacobians A by image and B by point of one observation, U sums Aᵀ A,
// W is Aᵀ B and V sums Bᵀ B. Source: Triggs et al. 1999, section 6.1.
namespace fastcv::FASTCV_ISA::ba {

// V + lambda max(diagonal, floor), inverted, for the chunk's points.
void damp_points(const fastcv::ba::Equations& equations, double lambda, std::int64_t chunk);

// Blocks (columns, columns) are laid out by block_index().
// U of an image.
void image_hessian(const fastcv::ba::Equations& equations, std::int64_t image, double* hessian);

// Adds -W V⁻¹ Wᵀ of the pairs (image, j), j <= image and images_begin <= j < images_end, to the blocks at
// row + slots[j] columns², where a slot is not -1. To be called for consecutive ranges from 0 on; `next` keeps a place
// for each observation of the image from one to the next.
void add_schur_row(const fastcv::ba::Equations& equations, std::int64_t image, std::int32_t images_begin,
                   std::int32_t images_end, const std::int64_t* slots, std::int64_t* next, double* row);
// As above, of the pair (image, image) alone.
void add_schur_diagonal(const fastcv::ba::Equations& equations, std::int64_t image, double* block);

// What follows writes sums over the chunk's observations to `partial`. x and y are (num_images, columns).
// partial = W V⁻¹ (point gradient).
void eliminated_gradient(const fastcv::ba::Equations& equations, std::int64_t chunk);
// partial = (U - W V⁻¹ Wᵀ) x. Scratch: 2 doubles for each observation of the chunk's longest track.
void schur_product(const fastcv::ba::Equations& equations, const double* x, std::int64_t chunk, double* scratch);

// Steps of the chunk's points, V⁻¹ (-point gradient - Wᵀ x), to step (num_points, 3). Returns |A x + B step|².
double back_substitute(const fastcv::ba::Equations& equations, const double* x, double* step, std::int64_t chunk);

}  // namespace fastcv::FASTCV_ISA::ba
