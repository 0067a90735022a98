// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// Of a part of one row, at most kSoftStrip pixels.
void soft_argmin(const fastcv::mvs::SoftCosts& costs, const fastcv::mvs::Tile& strip,
                 const fastcv::mvs::SoftDepth& out);
void soft_argmin_vjp(const fastcv::mvs::SoftCosts& costs, const fastcv::mvs::Tile& strip,
                     const fastcv::mvs::SoftDepthGrad& grad, View<float, 3> out);

}  // namespace fastcv::FASTCV_ISA::mvs
