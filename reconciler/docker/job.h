/*
 * One action being carried out: a chain of calls. Each link looks at the answer to the last call and asks for the next
 * one, or ends the job. act.c sees to it that the calls are made. Private to docker/.
 */
#ifndef DOCKER_JOB_H
#define DOCKER_JOB_H

#include "docker/client.h"

enum job_state { JOB_WAITING, JOB_ASKING, JOB_ENDED };

struct job {
	struct docker *docker;
	struct arena *arena;         /* as long as the job */
	const struct action *action;
	struct outcome *outcome;
	enum job_state state;
	struct call call;            /* asked, when ASKING */
	bool is_slow;                /* `call` may take minutes (a pull, a stop): see docker_has_quick() */
	void (*then)(struct job *);  /* takes the answer */
	const struct call *answer;   /* while `then` runs */
	/* what links hand on */
	const char *id;              /* CREATE: of the new container */
	bool is_new;                 /* CREATE: made by this very job */
	const struct place *places;  /* CREATE: the networks that are still to be connected */
	size_t places_count;
	const struct endpoint *endpoints; /* ALIAS, UNALIAS: the places that are still to be changed */
	size_t endpoints_count;
	struct credentials *credentials; /* PULL, BUILD */
	void (*go)(struct job *);    /* PULL, BUILD: when there is room on the disk */
	struct tar *tar;             /* BUILD */
	int64_t memory, memory_swap; /* UPDATE: what was asked for, 0: nothing */
};

void job_ask(struct job *j, const struct call *call, void (*then)(struct job *));
void job_ask_slowly(struct job *j, const struct call *call, void (*then)(struct job *));
void job_end(struct job *j);
void job_fail(struct job *j, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* With what the last call said. */
void job_fail_as_answered(struct job *j);
/* Of a job that has ended: was it for want of fixed addresses on a network of somebody else's? That is no verdict on what
 * was to have one, and the message says what to do. */
void job_lacks_subnet(struct job *j);
/* A last link: fine when the call was. */
void job_end_as_answered(struct job *j);
static inline bool job_answered_well(const struct job *j)
{
	return j->answer->result == 0;
}

/* The answer to an inspect of the action's instance: whether it is ours. If not, or if the inspect failed, the job has
 * ended. */
bool job_may_touch(struct job *j);
/* Whether the object with these labels carries our instance id. */
bool job_is_ours(const struct job *j, const cJSON *labels);

/* registry.c: goes on when the engine's disk has room for an image; and ends with the id of the action's image. */
void job_with_room(struct job *j, void (*go)(struct job *));
void job_identify_image(struct job *j);

/* How each kind begins: act_resource.c, registry.c, build.c, act_create.c, act_instance.c, act_alias.c */
void begin_network(struct job *j);
void begin_volume(struct job *j);
void begin_pull(struct job *j);
void begin_build(struct job *j);
void begin_drop(struct job *j);
void begin_create(struct job *j);
void begin_start(struct job *j);
void begin_alias(struct job *j); /* UNALIAS too: the action's endpoints say which */
void begin_update(struct job *j);
void begin_rename(struct job *j);
void begin_park(struct job *j);
void begin_stop(struct job *j);
void begin_remove(struct job *j);

#endif
