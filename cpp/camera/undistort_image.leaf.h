// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. False where the model or the number of channels is unknown.
namespace fastcv::FASTCV_ISA::camera {

// Rows [begin, end) of the result.
template <class V>
bool undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, std::int64_t begin, std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::camera
