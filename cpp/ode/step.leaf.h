// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::ode {

// Strips [begin, end) of all samples' strips, sample after sample. stream: write past the caches.
void step_strips(const fastcv::ode::Pass& pass, std::int64_t begin, std::int64_t end, bool stream);

// Samples [begin, end), each of at most kStrip elements: several of them fill a strip.
void step_samples(const fastcv::ode::Pass& pass, std::int64_t begin, std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::ode
