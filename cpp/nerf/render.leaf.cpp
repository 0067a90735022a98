// SPDX-License-Identifier: Apache-2.0
// Volume rendering in blocks of sixteen samples of a ray. Compiled once per instruction set.
#include "nerf/render.hd.h"
#include "nerf/sample_block.h"
// The declarations come after what they mention.
#include "nerf/render.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::kLeastOpacity;
using Samples = fastcv::nerf::RenderSamples<float>;
using Rendered = fastcv::nerf::RenderedRays<float>;
using Grads = fastcv::nerf::RenderedGrads<float>;
using Out = fastcv::nerf::SampleGrads<float>;

FASTCV_HD int count_from(std::int64_t i, std::int64_t end) {
  return static_cast<int>(end - i < kBlock ? end - i : kBlock);
}

FASTCV_HD void clear(float* array, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) array[i] = 0;
}

// Keeps the samples that `least` of the light or more reaches, the first among them; returns how many. The ray's
// opacity becomes theirs.
int leave_out(const Block& opacity_before, float least, int count, Block& weight, float& opacity) {
  float opacities[kBlock], weights[kBlock];
  store_block(opacities, opacity_before, kBlock);
  store_block(weights, weight, kBlock);
  int kept = 1;
  while (kept < count && !(1.0F - opacities[kept] < least)) ++kept;
  weight = load_block(weights, kept);
  if (kept < count) opacity = opacities[kept];
  return kept;
}

// Three colours of each of a block's samples, as columns.
FASTCV_HD void load_triples(const float* from, int count, Block (&columns)[3]) {
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) {
    Floats rows[3], parts[3];
    FASTCV_UNROLL
    for (int v = 0; v < 3; ++v) {
      const int place = (3 * k + v) * kLanes;
      rows[v] = load_first(from + place, 3 * count - place);
    }
    columns_of_triples(rows, parts);
    FASTCV_UNROLL
    for (int c = 0; c < 3; ++c) columns[c].v[k] = parts[c];
  }
}
FASTCV_HD void store_triples(float* to, const Block (&columns)[3], int count) {
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) {
    Floats rows[3];
    const Floats parts[3] = {columns[0].v[k], columns[1].v[k], columns[2].v[k]};
    triples_of_columns(parts, rows);
    FASTCV_UNROLL
    for (int v = 0; v < 3; ++v) {
      const int place = (3 * k + v) * kLanes;
      store_first(to + place, rows[v], 3 * count - place);
    }
  }
}

// One column of rows of any length.
FASTCV_HD Block load_column(const float* from, std::int64_t stride, int count) {
  float values[kBlock] = {};
  for (int i = 0; i < count; ++i) values[i] = from[i * stride];
  return load_block(values, kBlock);
}
FASTCV_HD void store_column(float* to, std::int64_t stride, const Block& column, int count) {
  float values[kBlock];
  store_block(values, column, kBlock);
  for (int i = 0; i < count; ++i) to[i * stride] = values[i];
}

FASTCV_HD Block add_weighted(const Block& sum, const Block& weight, const Block& value) {
  return map([](Floats s, Floats w, Floats x) { return s + weighted(w, x); }, sum, weight, value);
}

// A ray's weights, opacity and depth, and where there are three channels (kTriples) its colour in the same pass.
// Returns where the samples end that are kept.
template <bool kTriples>
std::int64_t weigh(const Samples& samples, const Rendered& out, std::int64_t ray, Span span) {
  float opacity = 0;
  Block distance = {}, color[3] = {};
  std::int64_t i = span.begin;
  for (bool stopped = false; i < span.end && !stopped;) {
    const int count = count_from(i, span.end);
    const Block density = load_block(samples.densities + i, count);
    const Block start = load_block(samples.starts + i, count), end = load_block(samples.ends + i, count);
    const auto alpha_of = [](Floats d, Floats s, Floats e) { return opacity_of(optical_depth(d, e - s)); };
    const Block alpha = map(alpha_of, density, start, end);
    const Block within = scan(alpha, [](Floats front, Floats back) { return over(front, back); });
    const Block in_front = map([&](Floats x) { return over(splat(opacity), x); }, before<1>(within));
    Block weight = map([](Floats front, Floats a) { return (1.0F - front) * a; }, in_front, alpha);
    opacity = over(opacity, last_of(within));
    int kept = count;
    stopped = 1.0F - opacity < samples.early_stop;
    if (stopped) kept = leave_out(in_front, samples.early_stop, count, weight, opacity);
    distance = add_weighted(distance, weight, map([](Floats s, Floats e) { return middle(s, e); }, start, end));
    if constexpr (kTriples) {
      Block columns[3];
      load_triples(samples.colors + 3 * i, count, columns);
      FASTCV_UNROLL
      for (int c = 0; c < 3; ++c) color[c] = add_weighted(color[c], weight, columns[c]);
    }
    store_block(out.weights + i, weight, kept);
    i += kept;
  }
  clear(out.weights, i, span.end);
  out.opacities[ray] = opacity;
  out.depths[ray] = sum_of(distance) / (opacity < kLeastOpacity ? kLeastOpacity : opacity);
  for (int c = 0; kTriples && c < 3; ++c) out.colors[3 * ray + c] = sum_of(color[c]);
  return i;
}

float sum_channel(const Samples& samples, const float* weights, Span kept, std::int64_t channel) {
  Block total = {};
  for (std::int64_t i = kept.begin; i < kept.end; i += kBlock) {
    const int count = count_from(i, kept.end);
    const float* colors = samples.colors + i * samples.channels + channel;
    total = add_weighted(total, load_block(weights + i, count), load_column(colors, samples.channels, count));
  }
  return sum_of(total);
}

// What the colours of a block say of its samples' weights is added to by_weight; the gradient by the colours is
// written.
FASTCV_HD void by_triples(const Samples& samples, const Out& out, const float* by_color, std::int64_t i, int count,
                          const Block& weight, Block& by_weight) {
  Block columns[3];
  load_triples(samples.colors + 3 * i, count, columns);
  FASTCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    by_weight = map([&](Floats sum, Floats x) { return sum + x * by_color[c]; }, by_weight, columns[c]);
    columns[c] = map([&](Floats w) { return weighted(w, splat(by_color[c])); }, weight);
  }
  if (out.colors != nullptr) store_triples(out.colors + 3 * i, columns, count);
}
FASTCV_HD void by_channels(const Samples& samples, const Out& out, const float* by_color, std::int64_t i, int count,
                           const Block& weight, Block& by_weight) {
  for (std::int64_t c = 0; c < samples.channels; ++c) {
    const std::int64_t at = i * samples.channels + c;
    const Block column = load_column(samples.colors + at, samples.channels, count);
    by_weight = map([&](Floats sum, Floats x) { return sum + x * by_color[c]; }, by_weight, column);
    const Block grad = map([&](Floats w) { return weighted(w, splat(by_color[c])); }, weight);
    if (out.colors != nullptr) store_column(out.colors + at, samples.channels, grad, count);
  }
}

FASTCV_HD void by_colors(const Samples& samples, const Out& out, const float* by_color, std::int64_t i, int count,
                         const Block& weight, Block& by_weight) {
  if (samples.channels == 3) {
    by_triples(samples, out, by_color, i, count, weight, by_weight);
  } else {
    by_channels(samples, out, by_color, i, count, weight, by_weight);
  }
}

void clear_samples(const Samples& samples, const Out& out, std::int64_t begin, std::int64_t end) {
  clear(out.densities, begin, end);
  if (out.starts != nullptr) clear(out.starts, begin, end);
  if (out.ends != nullptr) clear(out.ends, begin, end);
  if (out.colors != nullptr) clear(out.colors, begin * samples.channels, end * samples.channels);
}

// From the last block to the first, so that sums over what lies behind a sample hold nothing else.
void ray_vjp(const Samples& samples, const fastcv::nerf::RenderedRays<const float>& rendered, const Grads& grads,
             const Out& out, std::int64_t ray) {
  const Span span = span_of(samples, ray);
  const std::int64_t end = kept_end(samples, rendered.weights, rendered.opacities[ray], span);
  const RayGrads<float> whole = ray_grads(samples, rendered, grads, ray);
  const float* by_color = grads.colors == nullptr ? nullptr : grads.colors + ray * samples.channels;
  clear_samples(samples, out, by_color == nullptr ? span.begin : end, span.end);
  float light = 1.0F - rendered.opacities[ray], beyond = whole.behind;
  for (std::int64_t i = span.begin + (end - span.begin + kBlock - 1) / kBlock * kBlock; (i -= kBlock) >= span.begin;) {
    const int count = count_from(i, end);
    const Block weight = load_block(rendered.weights + i, count), density = load_block(samples.densities + i, count);
    const Block start = load_block(samples.starts + i, count), stop = load_block(samples.ends + i, count);
    const auto by_distance = [&](Floats s, Floats e) { return weighted(splat(whole.by_distance), middle(s, e)); };
    Block by_weight = map(by_distance, start, stop);
    if (grads.weights != nullptr) by_weight = by_weight + load_block(grads.weights + i, count);
    if (by_color != nullptr) by_colors(samples, out, by_color, i, count, weight, by_weight);
    const Block light_behind = sums_behind(weight);
    const Block value_behind = sums_behind(map([](Floats w, Floats q) { return weighted(w, q); }, weight, by_weight));
    const Block light_after = behind<1>(light_behind), value_after = behind<1>(value_behind);
    Block by_density, by_start, by_end;
    FASTCV_UNROLL
    for (int k = 0; k < kBlockVectors; ++k) {
      const auto grad = sample_grads(density.v[k], start.v[k], stop.v[k], weight.v[k], by_weight.v[k],
                                     light + light_after.v[k], beyond + value_after.v[k], splat(whole.by_distance));
      by_density.v[k] = grad.density, by_start.v[k] = grad.start, by_end.v[k] = grad.end;
    }
    store_block(out.densities + i, by_density, count);
    if (out.starts != nullptr) store_block(out.starts + i, by_start, count);
    if (out.ends != nullptr) store_block(out.ends + i, by_end, count);
    light += first_of(light_behind);
    beyond += first_of(value_behind);
  }
}

void ray_background_vjp(const Samples& samples, const fastcv::nerf::RenderedRays<const float>& rendered,
                        const Grads& grads, const Out& out, std::int64_t ray) {
  for (std::int64_t at = ray * samples.channels; at < (ray + 1) * samples.channels; ++at) {
    out.backgrounds[at] = grads.colors == nullptr ? 0.0F : (1.0F - rendered.opacities[ray]) * grads.colors[at];
  }
}

}  // namespace

void render(const Samples& samples, const Rendered& out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t ray = begin; ray < end; ++ray) {
    const Span span = span_of(samples, ray);
    float* colors = out.colors + ray * samples.channels;
    if (out.colors != nullptr && samples.channels == 3) {
      weigh<true>(samples, out, ray, span);
    } else {
      const Span kept{span.begin, weigh<false>(samples, out, ray, span)};
      for (std::int64_t c = 0; c < samples.channels; ++c) colors[c] = sum_channel(samples, out.weights, kept, c);
    }
    if (samples.backgrounds == nullptr) continue;
    const float* background = samples.backgrounds + ray * samples.channels;
    for (std::int64_t c = 0; c < samples.channels; ++c) colors[c] += (1.0F - out.opacities[ray]) * background[c];
  }
}

void render_vjp(const Samples& samples, const fastcv::nerf::RenderedRays<const float>& rendered, const Grads& grads,
                const Out& out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t ray = begin; ray < end; ++ray) {
    ray_vjp(samples, rendered, grads, out, ray);
    if (out.backgrounds != nullptr) ray_background_vjp(samples, rendered, grads, out, ray);
  }
}

}  // namespace fastcv::FASTCV_ISA::nerf
