/* SPDX-License-Identifier: Apache-2.0 */
/* The graph: edges between units, kept on both ends, sorted by the other unit's serial number so that a look-up is a
 * binary search and a boot's edges are mostly appended. Knows no jobs. */
#include "engine/gc.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

/* Where the edge to `other` is, or would have to be inserted. */
static size_t edge_place(const struct unit *u, const struct unit *other) {
    size_t low = 0, high = u->n_edges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (u->edges[middle].other->serial < other->serial)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t unit_dependencies_with(const struct unit *u, const struct unit *other) {
    size_t i = edge_place(u, other);
    return i < u->n_edges && u->edges[i].other == other ? u->edges[i].kinds : 0;
}

static int edge_reserve(struct unit *u) {
    if (u->n_edges < u->n_edges_room)
        return 0;
    size_t room =
        u->n_edges_room ? u->n_edges_room + MAX(u->n_edges_room / 2, (size_t)3) : 4; /* most have up to seven */
    struct edge *edges = realloc(u->edges, room * sizeof(struct edge));
    if (!edges)
        return -ENOMEM;
    u->edges = edges;
    u->n_edges_room = room;
    return 0;
}

void unit_fit_edges(struct unit *u) {
    struct edge *fitted = u->n_edges ? realloc(u->edges, u->n_edges * sizeof(struct edge)) : NULL;
    if (fitted) {
        u->edges = fitted;
        u->n_edges_room = u->n_edges;
    }
}

/* After edge_reserve() on both ends this cannot fail, so an edge is there on both ends or on none. */
static void edge_put(struct unit *u, struct unit *other, uint32_t kinds) {
    size_t i = edge_place(u, other);
    if (i == u->n_edges || u->edges[i].other != other) {
        memmove(u->edges + i + 1, u->edges + i, (u->n_edges - i) * sizeof(struct edge));
        u->edges[i] = (struct edge){ other, 0 };
        u->n_edges++;
    }
    u->edges[i].kinds |= kinds;
}

int unit_add_dependency(struct unit *u, enum dependency_kind kind, struct unit *other) {
    if (u == other)
        return 0; /* systemd drops a dependency on oneself as well */
    if (edge_reserve(u) < 0 || edge_reserve(other) < 0)
        return -ENOMEM;
    edge_put(u, other, DEP_BIT(kind) | DEP_BIT(DEP_REFERENCES));
    edge_put(other, u, DEP_BIT(dependency_inverse(kind)) | DEP_BIT(DEP_REFERENCED_BY));
    return 0;
}

int unit_add_two_dependencies(struct unit *u, enum dependency_kind a, enum dependency_kind b, struct unit *other) {
    int r = unit_add_dependency(u, a, other);
    return r < 0 ? r : unit_add_dependency(u, b, other);
}

int unit_add_dependency_by_name(struct unit *u, enum dependency_kind kind, const char *name) {
    struct unit *other;
    int r = manager_load_unit(u->manager, name, &other, NULL);
    return r < 0 ? r : unit_add_dependency(u, kind, other);
}

int unit_add_two_dependencies_by_name(struct unit *u, enum dependency_kind a, enum dependency_kind b,
                                      const char *name) {
    struct unit *other;
    int r = manager_load_unit(u->manager, name, &other, NULL);
    return r < 0 ? r : unit_add_two_dependencies(u, a, b, other);
}

static void edge_remove(struct unit *u, struct unit *other) {
    size_t i = edge_place(u, other);
    if (i == u->n_edges || u->edges[i].other != other)
        return;
    memmove(u->edges + i, u->edges + i + 1, (u->n_edges - i - 1) * sizeof(struct edge));
    u->n_edges--;
}

void unit_forget_edges(struct unit *u) {
    free(u->edges);
    u->edges = NULL;
    u->n_edges = u->n_edges_room = 0;
}

void unit_drop_edges(struct unit *u) {
    for (size_t i = 0; i < u->n_edges; i++) {
        struct unit *other = u->edges[i].other;
        edge_remove(other, u);
        gc_consider(other);
    }
    unit_forget_edges(u);
}
