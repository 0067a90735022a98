// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

// Rays [begin, end).
void render(const fastcv::nerf::RenderSamples<float>& samples, const fastcv::nerf::RenderedRays<float>& out,
            std::int64_t begin, std::int64_t end);
void render_vjp(const fastcv::nerf::RenderSamples<float>& samples,
                const fastcv::nerf::RenderedRays<const float>& rendered,
                const fastcv::nerf::RenderedGrads<float>& grads, const fastcv::nerf::SampleGrads<float>& out,
                std::int64_t begin, std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::nerf
