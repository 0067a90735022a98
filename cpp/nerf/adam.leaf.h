// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

// Rows [begin, end), after count_step.
void adam_step(const fastcv::nerf::AdamStep& adam, std::int64_t begin, std::int64_t end);

// Whether a value of [begin, end) is infinite or NaN.
bool any_nonfinite(const void* values, fastcv::nerf::Storage type, std::int64_t begin, std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::nerf
