// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

void march_rays(const fastcv::nerf::MarchTask& task);

}  // namespace fastcv::FASTCV_ISA::nerf
