/* Moves the wall clock of a process by WALL_CLOCK_OFFSET_S seconds, when it is preloaded (LD_PRELOAD).
 *
 * Clocks that measure durations and the times of files do not move. glibc waits by the clock of the machine, so
 * deadlines by the wall clock are moved back. Deadlines by other clocks are below DEADLINE_MIN_S. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define DEADLINE_MIN_S 1000000000

static time_t offset_s;
static int (*read_clock)(clockid_t, struct timespec *);
static int (*wait_for_condition)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*wait_for_semaphore)(sem_t *, const struct timespec *);

__attribute__((constructor)) static void prepare(void) {
    const char *offset = getenv("WALL_CLOCK_OFFSET_S");
    offset_s = offset ? atoll(offset) : 0;
    *(void **)&read_clock = dlsym(RTLD_NEXT, "clock_gettime");
    /* glibc has an older function of this name, which dlsym may find. */
    *(void **)&wait_for_condition = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    *(void **)&wait_for_semaphore = dlsym(RTLD_NEXT, "sem_timedwait");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!read_clock) prepare(); /* Constructors of other libraries may run before ours. */
    int result = read_clock(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset_s;
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    (void)zone;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}

static struct timespec move_back(const struct timespec *deadline) {
    struct timespec moved = *deadline;
    if (moved.tv_sec > DEADLINE_MIN_S) moved.tv_sec -= offset_s;
    return moved;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    struct timespec moved = move_back(deadline);
    if (!wait_for_condition) prepare();
    return wait_for_condition(condition, mutex, &moved);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline) {
    struct timespec moved = move_back(deadline);
    if (!wait_for_semaphore) prepare();
    return wait_for_semaphore(semaphore, &moved);
}
