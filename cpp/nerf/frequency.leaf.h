// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

template <class T>
void frequency_encoding(const fastcv::nerf::FrequencyBands& bands, const T* points, const T* tangents,
                        std::int64_t rows, T* out);
template <class T>
void frequency_encoding_vjp(const fastcv::nerf::FrequencyBands& bands, const T* points, const T* tangents,
                            std::int64_t rows, const T* grad, T* out);

}  // namespace fastcv::FASTCV_ISA::nerf
